"""A session of one engine, in a process of its own: fills a table, computes on workers, reads by workers. Prints JSON."""

import json
import os
import sys
import uuid

import engine_pipeline as pipeline
import numpy as np

import lapjoint as dj

ROWS = 40


def fill():
    pipeline.Number.insert(
        {
            "letter": "abcd"[n % 4], "n": n, "id": uuid.UUID(int=n), "kind": ("even", "odd")[n % 2],
            "spikes": np.arange(n % 5) / 2, "image": np.full((2, 3), n, "float32"),
        }
        for n in range(ROWS)
    )  # fmt: skip


def compute(executor):
    """What workers have made: rows, processes, errors."""
    done = pipeline.Square.populate(executor=executor, suppress_errors=True)
    rows = pipeline.Square.to_dicts(order_by="n")
    return {
        "success_count": done["success_count"],
        "errors": [(key["n"], message) for key, message in done["error_list"]],
        "squares": {row["n"]: row["square"] for row in rows},
        "workers": len({row["pid"] for row in rows} - {os.getpid()}),
        "here": os.getpid() in {row["pid"] for row in rows},
    }


def with_ray():
    import ray

    from lapjoint.engines import ray as engine

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=200 << 20, logging_level="ERROR", log_to_driver=False)
    with engine.executor(num_cpus=1) as executor:
        found = compute(executor)
    data = engine.read(pipeline.Number & "n < 30", partitions=4, connect=pipeline.connect).materialize()
    rows = data.take_all()
    found["read"] = sorted((row["n"], row["kind"], [float(x) for x in row["spikes"]]) for row in rows)
    found["images"] = sorted(float(np.asarray(row["image"]).sum()) for row in rows)
    found["parts"] = data.num_blocks()
    # The workers' connections are closed with them.
    ray.shutdown()
    return found


def with_dask():
    from distributed import Client, LocalCluster

    from lapjoint.engines import dask as engine

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        with engine.executor(client) as executor:
            found = compute(executor)
        query = (pipeline.Number & "n < 30").proj("kind", "spikes")
        frame = engine.read(query, partitions=4, connect=pipeline.connect)
        rows = frame.compute()
        found["read"] = sorted((int(n), str(kind), [float(x) for x in spikes]) for n, kind, spikes in zip(rows["n"], rows["kind"], rows["spikes"]))
        found["parts"] = frame.npartitions
    return found


def with_spark():
    from pyspark.sql import SparkSession

    from lapjoint.engines import spark as engine

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    frame = engine.read(session, pipeline.Number & "n < 30", partitions=4, connect=pipeline.connect)
    rows = frame.collect()
    session_types = {field.name: field.dataType.simpleString() for field in frame.schema}
    found = {
        "read": sorted((row.n, row.kind, list(row.spikes)) for row in rows),
        "images": sorted(sum(row.image) for row in rows),
        "types": session_types,
        "ids": sorted(row.id for row in rows)[:2],
        "parts": frame.rdd.getNumPartitions(),
        "sum": frame.groupBy("kind").sum("n").orderBy("kind").collect(),
    }
    session.stop()
    return found


if __name__ == "__main__":
    dj.logger.setLevel("ERROR")
    fill()
    try:
        found = {"ray": with_ray, "dask": with_dask, "spark": with_spark}[sys.argv[1]]()
    finally:
        pipeline.schema.drop(prompt=False)
    print(json.dumps(found))
