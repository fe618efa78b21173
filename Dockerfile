# A small image of kable-destination, without a compiler, that does not run as root. Only /data is written, so the root
# file system can be read-only. docs/operations.md says how to run it, docs/deployment.md how to run it with others.
#
# It has no HEALTHCHECK: only some commands have an address that can be asked, at a port that their options say. So the
# files that choose the command ask: examples/compose and examples/kubernetes.

FROM python:3.13-slim AS build
# For another choice: docker build --build-arg EXTRAS=fast,kafka,metrics,parquet,postgres,s3 .
ARG EXTRAS=fast,kafka,metrics,postgres
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY actions actions
COPY definitions definitions
COPY destination destination
COPY runner runner
# The environment gets no pip of its own: the one of this stage installs into it. hadolint wants a version, but what is
# installed is this folder, which says which versions it needs.
# hadolint ignore=DL3013
RUN python -m venv --without-pip /opt/kable \
    && pip --python /opt/kable install --no-cache-dir ".[$EXTRAS]"

FROM python:3.13-slim
COPY --from=build /opt/kable /opt/kable
RUN install --directory --owner=10001 --group=10001 --mode=0700 /data
ENV PATH=/opt/kable/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SQLITE_TMPDIR=/data
# A number, so that a platform can see that it is not root.
USER 10001:10001
WORKDIR /data
VOLUME /data
# SIGTERM ends a run in order. The exec form lets it reach the program.
STOPSIGNAL SIGTERM
ENTRYPOINT ["kable-destination"]
CMD ["--help"]
