# docker build -t farandole . && docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" farandole dance song.mp3
FROM python:3.12-slim AS build
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheel . && cp constraints.txt /wheel/

FROM python:3.12-slim
RUN --mount=type=bind,from=build,source=/wheel,target=/wheel \
    python -m pip install --no-cache-dir --constraint /wheel/constraints.txt /wheel/*.whl
RUN useradd --create-home --uid 1000 dancer
USER dancer
WORKDIR /work
ENV PYTHONUNBUFFERED=1 HOME=/tmp
ENTRYPOINT ["farandole"]
CMD ["--help"]
