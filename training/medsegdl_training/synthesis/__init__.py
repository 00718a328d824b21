"""Images made from label maps: brains and CTs, with tumours that grow in healthy anatomy."""
