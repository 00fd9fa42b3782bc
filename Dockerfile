# syntax=docker/dockerfile:1
# One image for every process: web, media, worker, beat and migrate differ by their command and TONRIS_ROLE.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# For the pump of the media path, which is C: `agents/fast_lane/pump`.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
WORKDIR /app
# Only what runs in production: the embedded PostgreSQL and Redis are for development machines.
COPY requirements.txt .
RUN pip install --require-hashes -r requirements.txt
COPY . .
# The static files need settings, but none of their values: these are thrown away with this stage's shell.
RUN DEBUG=0 DJANGO_SECRET_KEY=only-while-static-files-are-collected \
    FIELD_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
    APP_BASE_URL=https://build.invalid \
    python manage.py collectstatic --no-input \
    && python -m agents.fast_lane.pump \
    && python -m compileall -q .

FROM python:3.13-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="TONRIS" \
      org.opencontainers.image.description="AI phone receptionist: calls answered by a voice agent that books on a real calendar" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENV DEBUG=0 PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
# Recordings, and files on their way in; a volume that is mounted here begins as this directory is.
RUN install -d -o 10001 -g 10001 -m 700 /var/lib/tonris /var/lib/tonris/media /var/lib/tonris/incoming
# Nothing else in the image belongs to this user: the code cannot change itself.
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "deploy/healthcheck.py", "8000"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0", "--port", "8000"]
