"""The import of a CSV file, from the first to the last step. Nothing half-written: see :func:`import_csv`."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path

from sqlalchemy import Connection

from xrm_core.errors import ImportFailed, RefusedByPlugin, ValidationFailed
from xrm_core.hookspecs import Coming
from xrm_core.metadata.model import Entity
from xrm_core.permissions.caller import system
from xrm_core.records.coming import coming_from
from xrm_core.records.door import Records
from xrm_core.records.importing.candidates import Candidate, RowReader
from xrm_core.records.importing.lookups import UniqueValues, find_targets
from xrm_core.records.importing.mapping import Column, map_columns
from xrm_core.records.importing.options import ImportOptions
from xrm_core.records.importing.ordering import link, targets_first
from xrm_core.records.importing.reading import CsvFile
from xrm_core.records.importing.report import ImportResult, RowProblem
from xrm_core.records.importing.there import There, known_key

BATCH = 1000
"""Rows that are written by one call of the door."""

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all, after each batch."""


def import_csv(
    records: Records,
    connection: Connection,
    entity: str,
    path: Path,
    options: ImportOptions,
    progress: Progress | None = None,
) -> ImportResult:
    """Import a CSV file as new records of an entity, or by ``options.upsert_by`` into those that are there.

    Every row is checked, and all problems are in the result. If there is one, nothing is written, unless
    ``options.skip_bad_rows``: then the good rows are. The platform itself is the caller of the door, with full
    access: this is for operators. The caller's transaction decides in the end.

    Args:
        records: the door for writes.
        connection: inside a write transaction of the caller's, which must be rolled back if an error leaves here.
        entity: name of the entity.
        path: the file; it is read twice, and held in memory only if rows may refer to other rows of it.
        options: columns and formats.
        progress: told after each batch.

    Raises:
        ImportFailed: the file, the entity or the mapping cannot be used; nothing was written.
        XrmError: what the door raises for reasons that no row is to blame for.
    """
    if entity not in records.model:
        names = ", ".join(sorted(each.name for each in records.model))
        raise ImportFailed(f"There is no entity {entity!r}.", hint=f"Entities are: {names}.")
    file = CsvFile(path, options)
    columns = map_columns(file.header, records.model[entity], records.model, options)
    reader = RowReader(file, entity, columns, options)
    total, named = reader.survey()
    keys = {column: find_targets(connection, records.tables, column, texts) for column, texts in named.items()}
    run = _Run(records, connection, records.model[entity], columns, options)
    own = {column: texts for column, texts in named.items() if column.key is not None and column.key.entity == entity}
    candidates: Iterable[Candidate] = reader.candidates(keys)
    candidates = run.found(candidates)
    if own:
        candidates = list(candidates)
        link(candidates, own)
        candidates = targets_first([run.check(candidate) for candidate in candidates])
    else:
        candidates = map(run.check, candidates)
    savepoint = connection.begin_nested()
    done = 0
    for batch in _batches(candidates):
        with coming_from(Coming("import", said=options.said)):
            run.write(batch)
        done += len(batch)
        if progress is not None:
            progress(done, total)
    if run.problems and not options.skip_bad_rows:
        savepoint.rollback()
        run.written = run.there = 0
    else:
        savepoint.commit()
    return ImportResult(done, run.written, tuple(sorted(run.problems)), run.there)


class _Run:
    """One import under way: what was written, and what was wrong."""

    def __init__(
        self,
        records: Records,
        connection: Connection,
        entity: Entity,
        columns: Sequence[Column],
        options: ImportOptions,
    ) -> None:
        self._records = records
        self._connection = connection
        self._caller = system(records.model, f"import of {entity.plural}", sets_system_fields=True)
        self._entity = entity
        self._unique = UniqueValues(connection, records.tables, entity)
        self._columns = {column.field.name: column.name for column in columns}
        self.problems: list[RowProblem] = []
        self.written = self.there = 0
        self._there: There | None = None
        if options.upsert_by:
            key = known_key(entity, options.upsert_by, columns)
            self._there = There(records, connection, self._caller, entity, key, self._columns)

    def found(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """The rows, of which those whose record is there have its id."""
        if self._there is None:
            yield from candidates
            return
        for batch in _batches(candidates):
            self._there.find(batch)
            yield from batch

    def check(self, candidate: Candidate) -> Candidate:
        """Find all that is wrong with a row by itself and among the rows before it."""
        blamed = {problem.column for problem in candidate.problems}
        if "" not in blamed:  # else the row as a whole is broken
            for problem in self._records.validator.problems(self._entity, candidate.record, rules=False):
                if not self._has_default(problem, candidate) and not self._has_value(problem, candidate):
                    self._blame(candidate, problem["field"], problem["rule"], problem["message"], blamed)
            self._unique.blame_repeated(candidate, self._columns)
        return candidate

    def write(self, batch: Sequence[Candidate]) -> None:
        """Write the good rows of a batch; note the problems of the others."""
        for there, some in _in_turns(batch):
            if there:
                self._change([each for each in some if self._is_good(each)])
            else:
                self._create(some)
        self.problems.extend(problem for each in batch for problem in each.problems)

    def _create(self, candidates: Sequence[Candidate]) -> None:
        self._unique.blame_existing([each for each in candidates if not each.problems], self._columns)
        good = [each for each in candidates if self._is_good(each)]
        if good and not self._insert(good):
            # One row is to blame, but which? One by one, each error finds its row.
            for candidate in good:
                if self._is_good(candidate):
                    self._insert([candidate])

    def _change(self, candidates: Sequence[Candidate]) -> None:
        """Give records that are there the values of their rows; what the file leaves empty stays."""
        rows = [{"id": each.id, **each.record} for each in candidates]
        done = self._records.upsert_bulk(self._connection, self._caller, self._entity.name, ("id",), rows, skip=True)
        for place, error in done.errors.items():
            if isinstance(error, ValidationFailed | RefusedByPlugin):
                self._note(candidates[place], error)
            else:
                candidates[place].blame("", error.code.lower(), error.message)
        self.written += done.count
        self.there += done.count

    def _insert(self, candidates: Sequence[Candidate]) -> bool:
        """Write these rows or none of them. An error is noted only for a row on its own."""
        savepoint = self._connection.begin_nested()
        try:
            rows = [{"id": each.id, **each.record} for each in candidates]
            self._records.create_many(self._connection, self._caller, self._entity.name, rows)
        except (ValidationFailed, RefusedByPlugin) as error:
            savepoint.rollback()
            if len(candidates) == 1:
                self._note(candidates[0], error)
            return False
        savepoint.commit()
        self.written += len(candidates)
        return True

    def _note(self, candidate: Candidate, error: ValidationFailed | RefusedByPlugin) -> None:
        if isinstance(error, RefusedByPlugin):
            message = f"{error.message} (plugin {error.details.get('plugin', '')})"
            self._blame(candidate, error.details.get("field", ""), error.code.lower(), message)
            return
        for problem in error.problems:
            self._blame(candidate, problem["field"], problem["rule"], problem["message"])

    def _blame(
        self, candidate: Candidate, field: str, code: str, message: str, already: Iterable[str] = frozenset()
    ) -> None:
        column = self._columns.get(field, field)
        if column not in already:  # a cell that could not be read is not called missing, too
            candidate.blame(column, code, message)

    def _has_default(self, problem: Mapping[str, str], candidate: Candidate) -> bool:
        """Whether the door will fill what validation misses."""
        field = self._entity.fields.get(problem["field"])
        return field is not None and field.default is not None and field.name not in candidate.record

    def _has_value(self, problem: Mapping[str, str], candidate: Candidate) -> bool:
        """Whether the record that is there may have what validation misses; the door looks at it as a whole."""
        return candidate.there and problem["rule"] == "required" and problem["field"] not in candidate.record

    def _is_good(self, candidate: Candidate) -> bool:
        bad = next((target for target in candidate.targets if target.problems), None)
        if bad is not None and not candidate.problems:
            candidate.blame("", "relation", f"It refers to line {bad.line}, which cannot be imported.")
        return not candidate.problems


def _in_turns(batch: Sequence[Candidate]) -> Iterator[tuple[bool, list[Candidate]]]:
    """The rows whose records are there, and the others; in the order of the file, if rows of it refer to each other."""
    if any(each.targets for each in batch):
        yield from ((there, list(some)) for there, some in groupby(batch, key=lambda each: each.there))
        return
    for there in (True, False):
        if some := [each for each in batch if each.there is there]:
            yield there, some


def _batches(candidates: Iterable[Candidate]) -> Iterator[list[Candidate]]:
    iterator = iter(candidates)
    while batch := list(islice(iterator, BATCH)):
        yield batch
