# Two stages: the first installs what the pinned files say, the second holds only that, run by a user without rights.
FROM python:3.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv /opt/coach
WORKDIR /src
COPY requirements-build.txt requirements.txt ./
RUN python -m pip install --require-hashes -r requirements-build.txt \
 && uv pip install --python /opt/coach/bin/python --no-cache --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY bot bot
COPY knowledge knowledge
COPY prompts prompts
RUN python -m hatchling build -t wheel -d /wheel \
 && uv pip install --python /opt/coach/bin/python --no-cache --no-deps --no-index /wheel/*.whl

FROM python:3.12-slim-bookworm
# The index has a folder of its own, so that a volume laid over it belongs to the same user.
RUN useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin coach \
 && install -d -m 700 -o coach -g coach /data/isp-coach /data/isp-coach/index
COPY --from=build /opt/coach /opt/coach
# HOME is the volume: an embedding model fetched by `isp-coach setup` stays with the data.
ENV PATH=/opt/coach/bin:$PATH \
    HOME=/data \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    ISP_COACH_DATA_DIR=/data/isp-coach \
    ISP_COACH_SANDBOX_HOST=0.0.0.0 \
    ISP_COACH_HEALTH_PORT=9090
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8765 3000 9090
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/healthz', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["isp-coach"]
CMD ["run"]
