"""One worker for many clients: `medsegdl serve`. Knows HTTP, the queue and the files of a job; no image is looked at here."""
