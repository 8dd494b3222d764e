"""`.cpy` modules in zip archives: what zipimport does for `.py`, for one more suffix.

    sys.path.insert(0, "app.zip")
    import app                     # app.cpy, or app/__init__.cpy, in app.zip

The order within an archive is that of a folder: a package before a module, and of two
files of one name the `.cpy` one. An archive has no place for bytecode made later, so
its modules are compiled each time; `circuitc` makes Python files of them once for all.
"""

from importlib.machinery import ModuleSpec
from importlib.util import decode_source, spec_from_loader
from os import sep
from types import CodeType, ModuleType
from zipimport import ZipImportError, zipimporter

from circuit.hook.loader import SUFFIX, compiled


class ArchiveImporter(zipimporter):
    """Finds and loads the modules of one archive, or of one folder in it. Raises ZipImportError if none."""

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module in the archive."""
        if self._path_of(fullname) is None:
            return super().find_spec(fullname, target)
        return spec_from_loader(fullname, self)

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the module. Raises SyntaxError if it does not compile."""
        path = self._path_of(fullname)
        return super().get_code(fullname) if path is None else compiled(self.get_data(path), path)

    def get_source(self, fullname: str) -> str | None:
        """Return the text of the module, which tracebacks show."""
        path = self._path_of(fullname)
        return super().get_source(fullname) if path is None else decode_source(self.get_data(path))

    def get_filename(self, fullname: str) -> str:
        """Return what the module's `__file__` is."""
        return self._path_of(fullname) or super().get_filename(fullname)

    def is_package(self, fullname: str) -> bool:
        """Tell whether the module is a package."""
        path = self._path_of(fullname)
        return super().is_package(fullname) if path is None else path == self._package(fullname)

    def _path_of(self, fullname: str) -> str | None:
        """Return the path of the module's `.cpy` file; None if it has none."""
        if self._holds(package := self._package(fullname)):
            return package
        if self._holds(module := self._stem(fullname) + SUFFIX) and not self._is_python_package(fullname):
            return module
        return None

    def _stem(self, fullname: str) -> str:
        return f"{self.archive}{sep}{self.prefix}{fullname.rpartition('.')[2]}"

    def _package(self, fullname: str) -> str:
        return f"{self._stem(fullname)}{sep}__init__{SUFFIX}"

    def _holds(self, path: str) -> bool:
        try:
            self.get_data(path)
        except OSError:
            return False
        return True

    def _is_python_package(self, fullname: str) -> bool:
        try:
            return super().is_package(fullname)
        except ZipImportError:
            return False
