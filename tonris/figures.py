"""Figures of the installation, for whoever is to be woken: Redis, the workers, and what waits for them."""

import math
from collections.abc import Iterator

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from tonris import signs


class Background(Collector):
    """Asked for anew each time. Without Redis nobody can tell of the workers, and nothing is told."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            since, waiting = signs.seconds_since(), signs.waiting()
        except RedisError:
            yield GaugeMetricFamily("tonris_redis_up", "Whether Redis answers", 0)
            return
        yield GaugeMetricFamily("tonris_redis_up", "Whether Redis answers", 1)
        yield GaugeMetricFamily(
            "tonris_workers_silent_seconds",
            "Since beat, Redis and a worker last did something together; they do every 15",
            math.inf if since is None else since,
        )
        yield GaugeMetricFamily("tonris_tasks_waiting", "Tasks that no worker has taken yet", waiting)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Nothing, so that nobody is asked when this is loaded."""
        yield from ()


REGISTRY.register(Background())
