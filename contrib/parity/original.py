"""The real Job Builder as a function: many trees in one process. It needs the Python of an environment that holds it."""

import importlib.util
import inspect
import logging
import os
import tempfile
import traceback
import warnings
from types import SimpleNamespace

# Components that hold others are really run; the XML of all others is not our subject (jjb-J131).
CONTAINERS = {
    "conditional-step", "conditional-publisher", "flexible-publish", "postbuildscript", "multi-scm", "promoted-build",
    # Our reader knows what the module refuses of this one.
    "shell",
}  # fmt: skip


def load_oracle(path):
    spec = importlib.util.spec_from_file_location("jjb_oracle", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def nothing_like(function):
    """A function of the same signature that writes no XML."""

    def nothing(*_args, **_kwargs):
        return None

    nothing.__name__ = getattr(function, "__name__", "nothing")
    nothing.__doc__ = function.__doc__
    nothing.__signature__ = inspect.signature(function)
    return nothing


class Original:
    """Job Builder of this environment."""

    def __init__(self, oracle_path):
        self.oracle = load_oracle(oracle_path)
        self.engine = self.oracle.detect_engine()
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")
        self.recorder = self.oracle.Recorder()
        self.oracle.install_recorder(self.recorder)
        from jenkins_jobs.registry import ModuleRegistry

        recording = type(ModuleRegistry._entry_points_cache)

        class LeavesWriteNothing(recording):
            def __setitem__(self, list_type, entry_points):
                for name in list(entry_points):
                    if name not in CONTAINERS:
                        entry_points[name] = nothing_like(entry_points[name])
                recording.__setitem__(self, list_type, entry_points)

        ModuleRegistry._entry_points_cache = LeavesWriteNothing()
        self.cache_entry_points()

    @staticmethod
    def cache_entry_points():
        """Looking them up takes longer than a small tree; they never change."""
        import pkg_resources

        found, look = {}, pkg_resources.iter_entry_points

        def cached(group, name=None):
            key = (group, name)
            if key not in found:
                found[key] = list(look(group, name))
            return iter(found[key])

        pkg_resources.iter_entry_points = cached
        from jenkins_jobs import registry

        registry.pkg_resources.iter_entry_points = cached

    def read(self, paths, flags, include_path):
        """What Job Builder makes of paths, relative to the working directory: `jobs`, `views`, and `error` if it errs."""
        out = {"jobs": [], "views": [], "error": None}
        self.forget()
        with tempfile.TemporaryDirectory() as scratch:
            options = SimpleNamespace(
                paths=paths, out=scratch, filter=[], exclude=[], include_path=include_path, filter_modules=[],
                plugins_info=None, recursive=False, keep_going=False, traceback=False, **flags
            )  # fmt: skip
            try:
                self.expand(options, out)
            except RecursionError as error:
                out["error"] = self.error(error)
            except Exception as error:
                out["error"] = self.error(error)
        return out

    def forget(self):
        """The classic engine keeps anchors of one run for the next in the same process."""
        if self.engine == "classic":
            from jenkins_jobs.local_yaml import LocalAnchorLoader

            LocalAnchorLoader.reset_anchors()

    def expand(self, options, out):
        from jenkins_jobs import xml_config

        registry, jobs, views, _ = self.oracle.expand(self.oracle.make_config(options), options)
        for kind, items, generator in (
            ("jobs", jobs, xml_config.XmlJobGenerator(registry)),
            ("views", views, xml_config.XmlViewGenerator(registry)),
        ):
            for item in items:
                record = {"name": item.name, kind[:-1]: self.oracle.canon(item.data)}
                out[kind].append(record)
                self.recorder.reset()
                try:
                    generator._getXMLForData(item.data).output()
                finally:
                    if kind == "jobs":
                        record["components"] = self.recorder.result()

    def error(self, error):
        try:
            described = self.oracle.describe_error(error, os.path.join(os.getcwd(), ""))
        except IndexError:
            # Writing the snippet of a message fails at the end of some files.
            described = {"class": type(error).__name__, "lines": [str(getattr(error, "message", "?"))]}
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        described["frames"] = [name for name in frames if "jenkins_jobs" in name or "xml" in name][-3:]
        described["module"] = any("/jenkins_jobs/modules/" in name or "/xml/" in name for name in frames)
        described["text"] = "\n".join(described.pop("lines"))
        return described
