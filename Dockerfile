# Build: everything that needs npm, compilers or the network. Run: the wheel and its locked requirements.
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/run.txt requirements/run.txt
RUN python -m venv /opt/plugin \
    && /opt/plugin/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN /opt/plugin/bin/python -m tools.assets \
    && /opt/plugin/bin/python -m tools.courses \
    && /opt/plugin/bin/python -m hatchling build -t wheel \
    && /opt/plugin/bin/pip install --no-cache-dir --no-deps dist/*.whl

FROM python:3.13-slim
RUN useradd --system --create-home --uid 10001 plugin \
    && mkdir /files && chown plugin:plugin /files
COPY --from=build /opt/plugin /opt/plugin
ENV PATH=/opt/plugin/bin:$PATH PYTHONUNBUFFERED=1 PLUGIN_STORAGE_DIR=/files
USER plugin
WORKDIR /home/plugin
EXPOSE 8700
VOLUME /files
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8700/healthz', timeout=4)"]
CMD ["plugin", "serve", "--host", "0.0.0.0", "--port", "8700"]
