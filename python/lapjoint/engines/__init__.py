"""Tables in the engines that people already run: Ray, Dask, Spark.

`ray.executor` and `dask.executor` give executors for `populate(executor=...)`. `read` of each engine reads a table in parts,
ranges of its primary key, every part by a worker with its own connection. The engines are imported when they are used.
"""

from .parts import Part, parts

__all__ = ["Part", "parts"]
