# `medsegdl serve` as a container, made of Debian and PyPI alone. Images lie in its memory only (--tmpfs) and go with their answers:
#   docker build --tag medsegdl .
#   docker run --rm --read-only --tmpfs /tmp --publish 127.0.0.1:8765:8765 --env MEDSEGDL_TOKEN=$(openssl rand -hex 24) medsegdl
# Other machines: put a proxy with HTTPS before it, or mount certificate and key and give --certificate and --key in place of --plain.
FROM debian:12.11-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3=3.11.2-1+b1 python3-venv=3.11.2-1+b1 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --shell /usr/sbin/nologin --uid 10001 medsegdl
WORKDIR /opt/medsegdl
COPY constraints.txt pyproject.toml README.md LICENSE.txt ./
COPY MedSegDL MedSegDL
RUN python3 -m venv /opt/venv && /opt/venv/bin/python -m pip install --no-cache-dir --constraint constraints.txt ".[serve]"
USER medsegdl
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 TMPDIR=/tmp
EXPOSE 8765
ENTRYPOINT ["medsegdl"]
CMD ["serve", "--host", "0.0.0.0", "--plain", "--port", "8765"]
