"""The worker's protocol over HTTP, as constants: what `medsegdl serve` and the client both know. Standard library only.

A client names its job itself (32 hex digits), so that a request that was cut off can be sent again and means the same job.

    GET    /v1/info                      -> what the server is: {"ready": ..., "waiting": n, "server": id, "limits": {...}}
    PUT    /v1/jobs/ID                   {"kind", "task", "options", "inputs": {key: {..., "bytes", "sha256"}}} -> the job's state
    GET    /v1/jobs/ID                   -> its state: {"state", "received": {key: bytes}, "position": n}
    PUT    /v1/jobs/ID/inputs/KEY?offset=N   a chunk of an .npy file, its SHA-256 in a header -> the job's state
    GET    /v1/jobs/ID/events            -> JSON lines: {"position"}, {"progress", "message"}, {}, last {"result"} or {"error"}
    GET    /v1/jobs/ID/arrays/NAME       -> an array of the result as .npy, deflated
    DELETE /v1/jobs/ID                   -> cancels it, or lets go of its result

What is refused is {"error": {"kind", "message", "remedy"}} with a status beyond 399. A job enters the queue with its last chunk.
"""

from __future__ import annotations

VERSION = "/v1"
CHUNK_HASH = "X-Chunk-SHA256"
CHUNK_BYTES = 4 << 20  # of one upload: what a cut connection costs to send again
KINDS = ("segment", "check", "warm", "register")
UPLOADING, WAITING, RUNNING, ANSWERED = "uploading", "waiting", "running", "answered"
HEARTBEAT_S = 2.0  # between two lines of events at most
DEFAULT_PORT = 8765
ARRAYS = ("segments", "bias_fields")  # of a result: name -> array
SINGLE_ARRAYS = ("instances", "uncertainty")
BUSY, GONE, DENIED = "busy", "gone", "denied"  # kinds of refusals beside those of `errors`
