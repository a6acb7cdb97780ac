"""The rules that make one database's SQL fit for many: what `test_citus_ready.py` holds the .sql files to.

A large table is one that is spread over a cluster by `partition`. A statement on a hot path goes to one shard only if it says of each large
table that it touches that `partition` is one value: a parameter, a variable, or what another table has that says so.
"""

from collections.abc import Collection, Iterator
from typing import Any

from pglast import ast
from tests.store.sql_tree import Statement, children, every, is_a

PARTITION = "partition"
VOLATILE = frozenset({"clarion_now", "clock_timestamp", "nextval", "random", "gen_random_uuid"})
"""Functions that differ from call to call; a condition of a distributed UPDATE or DELETE cannot have them."""

Term = tuple[str, ...]
"""A value that `partition` is compared with: of a table, or given."""


# -- the schema ------------------------------------------------------------------------------------------------------


def schema_violations(statements: Collection[Statement], large: Collection[str], small: Collection[str]) -> list[str]:
    """What a schema has that cannot be spread, or does not say where it goes."""
    found: list[str] = []
    for where, tree in statements:
        if is_a(tree, ast.CreateStmt) and not tree.inhRelations:
            found += _table_violations(where, tree, large, small)
        elif is_a(tree, ast.AlterTableStmt):
            for command in tree.cmds:
                if is_a(command.def_, ast.Constraint):
                    found += _constraint_violations(where, tree.relation.relname, command.def_, None, large)
        elif is_a(tree, ast.IndexStmt) and tree.unique and tree.relation.relname in large:
            if tree.indexParams[0].name != PARTITION:
                found.append(f"{where}: unique index {tree.idxname} of {tree.relation.relname} does not begin with partition")
        elif is_a(tree, ast.CreateTrigStmt, ast.RuleStmt):
            found.append(f"{where}: there is a trigger or rule on {tree.relation.relname}")
    return found


def _table_violations(where: str, tree: Any, large: Collection[str], small: Collection[str]) -> Iterator[str]:
    name = tree.relation.relname
    columns = [element for element in tree.tableElts if is_a(element, ast.ColumnDef)]
    if name not in large and name not in small:
        yield f"{where}: {name} is neither spread nor copied to every node"
    if name in small and name in large:
        yield f"{where}: {name} is both spread and copied to every node"
    if name not in large and any(column.colname == PARTITION for column in columns):
        yield f"{where}: {name} has a partition and is not spread by it"
    if name in large and not any(_is_primary(one) for one in _constraints(tree)):
        yield f"{where}: {name} has no primary key"
    for element in tree.tableElts:
        if is_a(element, ast.Constraint):
            yield from _constraint_violations(where, name, element, None, large)
        elif is_a(element, ast.ColumnDef):
            for constraint in element.constraints or ():
                yield from _constraint_violations(where, name, constraint, element.colname, large)


def _constraints(tree: Any) -> list[Any]:
    return [node for node in every(tree) if is_a(node, ast.Constraint)]


def _is_primary(constraint: Any) -> bool:
    return bool(constraint.contype.name == "CONSTR_PRIMARY")


def _constraint_violations(where: str, table: str, constraint: Any, column: str | None, large: Collection[str]) -> Iterator[str]:
    kind = constraint.contype.name
    if kind == "CONSTR_FOREIGN":
        yield f"{where}: {table} has a foreign key"
    if kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION") and table in large:
        keys = [column] if column is not None else [key.sval for key in constraint.keys or ()]
        if keys[:1] != [PARTITION]:
            yield f"{where}: a key of {table} does not begin with partition"


# -- statements ------------------------------------------------------------------------------------------------------


def statement_violations(statement: Statement, large: Collection[str], variables: Collection[str] = ()) -> list[str]:
    """Where a statement does not name one partition. `variables` are those of the function around it."""
    return list(_Check(statement.where, large, variables).query(statement.tree, None, {}))


class _Level:
    """What one level of a query knows: its large tables, its other sources, and what is equal to what."""

    def __init__(self, outer: "_Level | None") -> None:
        self.outer = outer
        self.large: dict[str, str] = {}
        """By alias: the table."""
        self.others: dict[str, Term | None] = {}
        """Of other sources, by alias: which partition they have rows of, where it is one."""
        self._equal: dict[Term, set[Term]] = {}

    def equate(self, one: Term, other: Term) -> None:
        """Both are the same."""
        group = self._equal.get(one, {one}) | self._equal.get(other, {other})
        for term in group:
            self._equal[term] = group

    def given(self, alias: str, seen: frozenset[str] = frozenset()) -> set[Term]:
        """The given values that `partition` of a source is equal to, by itself or by way of other sources."""
        found: set[Term] = set()
        for level in self._upwards():
            known = level.others.get(alias)
            found |= set() if known is None else {known}
            for term in level._equal.get(("of", alias), ()):
                if term[0] == "given":
                    found.add(term)
                elif term[1] != alias and term[1] not in seen:
                    found |= self.given(term[1], seen | {alias})
        return found

    def has(self, alias: str) -> bool:
        """Whether a name is that of a source, here or around."""
        return any(alias in level.large or alias in level.others for level in self._upwards())

    def only(self) -> str | None:
        """The source that a bare `partition` is of."""
        for level in self._upwards():
            names = list(level.large) or list(level.others)
            if names:
                return names[0] if len(names) == 1 else None
        return None

    def _upwards(self) -> "Iterator[_Level]":
        level: _Level | None = self
        while level is not None:
            yield level
            level = level.outer


class _Check:
    def __init__(self, where: str, large: Collection[str], variables: Collection[str]) -> None:
        self._where, self._large, self._variables = where, large, set(variables)

    def query(self, tree: Any, outer: _Level | None, known: dict[str, Term | None]) -> Iterator[str]:
        """Violations of a statement or subquery; `known` are the common table expressions around it, with their partitions."""
        known = dict(known)
        if getattr(tree, "withClause", None) is not None:
            for one in tree.withClause.ctes:
                yield from self.query(one.ctequery, outer, known)
                known[one.ctename] = self.exports(one.ctequery, outer, known)
        if is_a(tree, ast.SelectStmt) and tree.larg is not None:
            yield from self.query(tree.larg, outer, known)
            yield from self.query(tree.rarg, outer, known)
            return
        level = self.level(tree, outer, known)
        if is_a(tree, ast.InsertStmt):
            yield from self.insert(tree, level, known)
            return
        for alias, table in level.large.items():
            given = level.given(alias)
            if not given:
                yield f"{self._where}: {table} without partition = one value"
            elif len(given) > 1:
                yield f"{self._where}: {table} with several partitions: {', '.join(sorted(one[1] for one in given))}"
        if is_a(tree, ast.UpdateStmt, ast.DeleteStmt) and tree.relation.relname in self._large:
            yield from self.changes(tree)
        yield from self.below(tree, level, known)

    def changes(self, tree: Any) -> Iterator[str]:
        """What an UPDATE or DELETE of a large table must not do."""
        if any(target.name == PARTITION for target in getattr(tree, "targetList", None) or ()):
            yield f"{self._where}: {tree.relation.relname} has its partition changed"
        for node in every(tree.whereClause) if tree.whereClause is not None else ():
            if is_a(node, ast.FuncCall) and node.funcname[-1].sval in VOLATILE:
                yield f"{self._where}: {node.funcname[-1].sval}() in the condition of a change of {tree.relation.relname}"

    def insert(self, tree: Any, level: _Level, known: dict[str, Term | None]) -> Iterator[str]:
        """The rows that go into a large table are of one partition."""
        table, select = tree.relation.relname, tree.selectStmt
        if select is not None:
            yield from self.query(select, level.outer, known)
        if table not in self._large:
            return
        names = [column.name for column in tree.cols or ()]
        if PARTITION not in names:
            yield f"{self._where}: {table} is inserted into without naming partition"
            return
        place = names.index(PARTITION)
        values = (
            {self.value(row[place]) for row in select.valuesLists} if select.valuesLists else {self.target(select, place, level, known)}
        )
        if None in values or len(values) != 1:
            yield f"{self._where}: what is inserted into {table} is not of one partition"

    def target(self, select: Any, place: int, level: _Level, known: dict[str, Term | None]) -> Term | None:
        """What one column of a SELECT is, where that is one value."""
        if select.larg is not None:
            both = {self.target(side, place, level, known) for side in (select.larg, select.rarg)}
            return both.pop() if len(both) == 1 else None
        inner = self.level(select, level.outer, known)
        term = self.term(select.targetList[place].val, inner)
        if term is not None and term[0] == "of":
            given = inner.given(term[1])
            return next(iter(given)) if len(given) == 1 else None
        return term

    def below(self, tree: Any, level: _Level, known: dict[str, Term | None]) -> Iterator[str]:
        """Violations of the subqueries of one level, wherever they stand."""
        for child in children(tree):
            if is_a(child, ast.WithClause):
                continue
            if is_a(child, ast.SelectStmt, ast.InsertStmt, ast.UpdateStmt, ast.DeleteStmt):
                yield from self.query(child, level, known)
            else:
                yield from self.below(child, level, known)

    # -- one level ---------------------------------------------------------------------------------------------------

    def level(self, tree: Any, outer: _Level | None, known: dict[str, Term | None]) -> _Level:
        """The sources of a query, and what its conditions say."""
        level = _Level(outer)
        if is_a(tree, ast.UpdateStmt, ast.DeleteStmt):
            self.source(tree.relation, level, known)
        for one in getattr(tree, "fromClause", None) or getattr(tree, "usingClause", None) or ():
            self.source(one, level, known)
        for one in getattr(tree, "fromClause", None) or getattr(tree, "usingClause", None) or ():
            for node in self._joins(one):
                self.condition(node.quals, level)
        self.condition(getattr(tree, "whereClause", None), level)
        return level

    def source(self, node: Any, level: _Level, known: dict[str, Term | None]) -> None:
        """One source of a FROM."""
        if is_a(node, ast.JoinExpr):
            self.source(node.larg, level, known)
            self.source(node.rarg, level, known)
        elif is_a(node, ast.RangeVar):
            alias = node.alias.aliasname if node.alias is not None else node.relname
            if node.relname in known:
                level.others[alias] = known[node.relname]
            elif node.relname in self._large:
                level.large[alias] = node.relname
            else:
                level.others[alias] = None
        elif is_a(node, ast.RangeSubselect):
            level.others[node.alias.aliasname if node.alias is not None else "?"] = self.exports(node.subquery, level, known)
        elif getattr(node, "alias", None) is not None:
            level.others[node.alias.aliasname] = None

    def _joins(self, node: Any) -> Iterator[Any]:
        if is_a(node, ast.JoinExpr):
            yield node
            yield from self._joins(node.larg)
            yield from self._joins(node.rarg)

    def condition(self, node: Any, level: _Level) -> None:
        """What holds for every row: equalities that nothing but AND stands around."""
        if is_a(node, ast.BoolExpr) and node.boolop.name == "AND_EXPR":
            for one in node.args:
                self.condition(one, level)
        elif is_a(node, ast.A_Expr) and node.kind.name == "AEXPR_OP" and node.name[-1].sval == "=":
            left, right = self.term(node.lexpr, level), self.term(node.rexpr, level)
            if left is not None and right is not None:
                level.equate(left, right)

    def term(self, node: Any, level: _Level) -> Term | None:
        """What an expression is: `partition` of a source, or one given value."""
        if is_a(node, ast.ColumnRef):
            names = [field.sval for field in node.fields if is_a(field, ast.String)]
            if names == [PARTITION]:
                only = level.only()
                return None if only is None else ("of", only)
            if len(names) == 2 and names[1] == PARTITION and level.has(names[0]):
                return ("of", names[0])
        return self.value(node)

    def value(self, node: Any) -> Term | None:
        """One given value: a parameter, a variable of the function, a number."""
        if is_a(node, ast.TypeCast):
            return self.value(node.arg)
        if is_a(node, ast.ParamRef):
            return ("given", f"${node.number}")
        if is_a(node, ast.A_Const) and is_a(node.val, ast.Integer):
            return ("given", str(node.val.ival))
        if is_a(node, ast.ColumnRef):
            names = [field.sval for field in node.fields if is_a(field, ast.String)]
            if names and names[0] in self._variables:
                return ("given", ".".join(names))
        return None

    def exports(self, tree: Any, outer: _Level | None, known: dict[str, Term | None]) -> Term | None:
        """Of which partition the rows of a subquery are, where it is one."""
        known = dict(known)
        for one in tree.withClause.ctes if getattr(tree, "withClause", None) is not None else ():
            known[one.ctename] = self.exports(one.ctequery, outer, known)
        if is_a(tree, ast.SelectStmt) and tree.larg is not None:
            left, right = self.exports(tree.larg, outer, known), self.exports(tree.rarg, outer, known)
            return left if left == right else None
        if is_a(tree, ast.InsertStmt):
            return None
        level = self.level(tree, outer, known)
        given = {one for alias in level.large for one in level.given(alias)} | {one for one in level.others.values() if one is not None}
        return given.pop() if len(given) == 1 else None
