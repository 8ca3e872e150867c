"""Imported and computed tables: `populate`, in one part and in three."""

import threading

import pytest

import lapjoint as dj
from lapjoint.autopopulate import MakeOptions, make_one


@pytest.fixture
def schema(database):
    return database.schema()


@pytest.fixture
def number(schema):
    @schema
    class Number(dj.Manual):
        definition = """
        n : int32
        ---
        value : float64
        """

    Number.insert({"n": n, "value": n / 2} for n in range(5))
    return Number


def squares(schema, Number):
    @schema
    class Square(dj.Computed):
        definition = """
        -> Number
        ---
        square : float64
        """

        def make(self, key, power=2):
            if key["n"] == 3 and power == "fail":
                raise ValueError("three fails")
            self.insert1({**key, "square": (Number & key).fetch1("value") ** (2 if power == "fail" else power)})

    return Square


def test_populate_makes_what_is_missing(schema, number):
    square = squares(schema, number)
    assert square.progress() == (5, 5)
    assert square.populate("n < 2") == {"success_count": 2, "error_list": []}
    assert square.populate(max_calls=1)["success_count"] == 1
    assert square.populate({"n": 4}, make_kwargs={"power": 3})["success_count"] == 1
    assert square.progress("n > 2") == (1, 2)
    assert square.populate()["success_count"] == 1
    assert square.populate()["success_count"] == 0
    assert dict(zip(*square.to_arrays("n", "square"))) == {0: 0, 1: 0.25, 2: 1, 3: 2.25, 4: 8}


def test_progress_is_printed(schema, number, capsys):
    square = squares(schema, number)
    square.populate(max_calls=2)
    assert square.progress(display=True) == (3, 5)
    assert "Completed 2 of 5 (40.0%)" in capsys.readouterr().out


def test_keys_that_look_alike_are_two(schema):
    @schema
    class Pair(dj.Manual):
        definition = """
        a : varchar(8)
        b : varchar(8)
        """

    @schema
    class Joined(dj.Computed):
        definition = """
        -> Pair
        """

        def make(self, key):
            self.insert1(key)

    Pair.insert([{"a": "x|y", "b": "z"}, {"a": "x", "b": "y|z"}])
    assert Joined.progress() == (2, 2)


def test_errors_are_raised_or_listed(schema, number):
    square = squares(schema, number)
    fails = {"make_kwargs": {"power": "fail"}}
    with pytest.raises(ValueError, match="three fails"):
        square.populate({"n": 3}, **fails)
    done = square.populate(suppress_errors=True, **fails)
    assert done == {"success_count": 4, "error_list": [({"n": 3}, "ValueError: three fails")]}
    done = square.populate(suppress_errors=True, return_exception_objects=True, **fails)
    assert isinstance(done["error_list"][0][1], ValueError)


def test_what_fails_leaves_nothing(schema, number):
    @schema
    class Halves(dj.Computed):
        definition = """
        -> Number
        """

        class Part(dj.Part):
            definition = """
            -> master
            half : int16
            """

        def make(self, key):
            self.insert1(key)
            self.Part.insert({**key, "half": half} for half in (0, 1))
            if key["n"] == 2:
                raise KeyError(2)

    done = Halves.populate(suppress_errors=True)
    assert done["success_count"] == 4 and done["error_list"] == [({"n": 2}, "KeyError: 2")]
    assert len(Halves()) == 4 and len(Halves.Part()) == 8


def test_inserts_belong_into_the_make(schema, number):
    square = squares(schema, number)
    with pytest.raises(dj.DataJointError, match="can only be done inside its make method during a populate call"):
        square.insert1({"n": 0, "square": 1})
    square.insert1({"n": 0, "square": 1}, allow_direct_insert=True)

    refused, threads = [], []

    @schema
    class Watched(dj.Computed):
        definition = """
        -> Number
        """

        def make(self, key):
            def elsewhere():
                try:
                    Watched.insert1({"n": 4})
                except dj.DataJointError as error:
                    refused.append(str(error))

            # Another thread is not in the make, though one runs.
            threads.append(threading.Thread(target=elsewhere))
            threads[0].start()
            threads[0].join(0.1)
            self.insert1(key)

    Watched.populate(max_calls=1)
    threads[0].join()
    assert len(refused) == 1 and "inside its make method" in refused[0]
    with pytest.raises(dj.DataJointError, match="inside its make method"):
        Watched.insert1({"n": 4})


def test_three_parts(schema, number):
    seen = []

    @schema
    class Scaled(dj.Computed):
        definition = """
        -> Number
        ---
        result : float64
        """

        def make_fetch(self, key, scale=1):
            seen.append(("fetch", self.connection.in_transaction))
            return (number & key).fetch1("value"), scale

        def make_compute(self, key, value, scale):
            seen.append(("compute", self.connection.in_transaction))
            return (value * scale,)

        def make_insert(self, key, result):
            seen.append(("insert", self.connection.in_transaction))
            self.insert1({**key, "result": result})

    assert Scaled.populate({"n": 3}, make_kwargs={"scale": 10})["success_count"] == 1
    assert Scaled.fetch1("result") == 15
    assert seen == [("fetch", False), ("compute", False), ("fetch", True), ("insert", True)]


@pytest.mark.parametrize("last", [True, False])
def test_a_generator_is_three_parts(schema, number, last):
    @schema
    class Scaled(dj.Computed):
        definition = """
        -> Number
        ---
        result : float64
        """

        def make(self, key):
            value = (number & key).fetch1("value")
            computed = yield (value,)
            if computed is None:
                computed = (value * 2,)
                yield computed
            self.insert1({**key, "result": computed[0]})
            if last:
                yield

    assert Scaled.populate()["success_count"] == 5
    assert list(Scaled.to_arrays("result")) == [0, 1, 2, 3, 4]


def test_what_has_changed_meanwhile_is_not_used(schema, number):
    @schema
    class Stale(dj.Computed):
        definition = """
        -> Number
        ---
        result : float64
        """

        def make_fetch(self, key):
            return ((number & key).fetch1("value"),)

        def make_compute(self, key, value):
            if key["n"] == 1:
                number.update1({**key, "value": 7})
            return (value,)

        def make_insert(self, key, result):
            self.insert1({**key, "result": result})

    done = Stale.populate(suppress_errors=True)
    changed = "DataJointError: Referential integrity failed! The `make_fetch` data has changed"
    assert done == {"success_count": 4, "error_list": [({"n": 1}, changed)]}


def test_what_populate_refuses(schema, number):
    square = squares(schema, number)
    with pytest.raises(dj.DataJointError, match="Cannot call populate on a restricted table"):
        (square & "n=1").populate()
    with schema.connection.transaction, pytest.raises(dj.DataJointError, match="cannot be called during a transaction"):
        square.populate()

    @schema
    class Empty(dj.Computed):
        definition = """
        -> Number
        """

    with pytest.raises(NotImplementedError, match=r"must implement the method `make` or \(`make_fetch`"):
        Empty.populate()

    @schema
    class Rootless(dj.Computed):
        definition = """
        own : int32
        """

    with pytest.raises(dj.DataJointError, match="must have dependencies from its primary key"):
        Rootless.populate()

    @schema
    class Wrong(dj.Computed):
        definition = """
        -> Number
        """
        key_source = "Number"

    with pytest.raises(dj.DataJointError, match="Invalid key_source value"):
        Wrong.populate()


def test_a_key_source_of_ones_own(schema, number):
    @schema
    class Positive(dj.Computed):
        definition = """
        -> Number
        ---
        value : float64
        """

        @property
        def key_source(self):
            return number & "value > 1"

        def make(self, key):
            assert list(key) == ["n"]
            self.insert1({**key, "value": -1})

    assert Positive.populate()["success_count"] == 2
    assert Positive.progress() == (0, 2)
    assert len(Positive.key_source) == 2


def test_older_classes(schema, number):
    @schema
    class Old(dj.Imported):
        definition = """
        -> Number
        """

        def _make_tuples(self, key):
            self.insert1(key)

    assert Old.populate()["success_count"] == 5


def test_one_key_for_workers(schema, number):
    square = squares(schema, number)
    assert make_one(square, {"n": 2}, MakeOptions({"power": 3})) is True
    assert make_one(square, {"n": 2}, MakeOptions()) is False
    assert square.fetch1("square") == 1
