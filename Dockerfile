# syntax=docker/dockerfile:1
# One image for every component; the command says which one runs.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/tocsin
# The dependencies first: this layer stays cached while only our code changes.
COPY locks/run.txt locks/run.txt
RUN /opt/tocsin/bin/pip install --no-cache-dir --require-hashes -r locks/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY tocsin tocsin
COPY collector collector
COPY processor processor
COPY alerting alerting
COPY dashboards dashboards
RUN /opt/tocsin/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/tocsin /opt/tocsin
# A new named volume takes over the owner of the folder that it is mounted on.
RUN install -d -o 10001 -g 10001 /var/lib/tocsin /logs/demo
ENV PATH=/opt/tocsin/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOCSIN_STATE_DIR=/var/lib/tocsin \
    TOCSIN_HTTP=0.0.0.0:9464
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
VOLUME /var/lib/tocsin
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["tocsin", "healthcheck"]
ENTRYPOINT ["tocsin"]
CMD ["--help"]
