"""A station beside a PACS: examinations sent to it are received, queued on the disk, segmented, and their results sent back."""
