"""Each function with the examples of its documentation (Microsoft's azure-docs, «ARM template functions»)."""

from typing import Any
from uuid import UUID, uuid5

import pytest

from generator.template.arm.functions import FORM_NAMES, FUNCTIONS
from tests.unit.template.arm.making import refused, value

OBJECT = """json('{"one": "a", "two": "b", "three": "c"}')"""
DOGS = """json('[{"n": "Evie", "age": 5}, {"n": "Casper", "age": 3}, {"n": "Indy", "age": 2}]')"""

ARRAYS: list[tuple[str, Any]] = [
    ("array(1)", [1]),
    ("array('efgh')", ["efgh"]),
    ("array(createArray(1))", [1]),
    ("concat(createArray('1-1', '1-2'), createArray('2-1'))", ["1-1", "1-2", "2-1"]),
    ("concat('prefix', '-', 5)", "prefix-5"),
    ("contains('OneTwoThree', 'e')", True),
    ("contains('OneTwoThree', 'z')", False),
    (f"contains({OBJECT}, 'ONE')", True),
    (f"contains({OBJECT}, 'a')", False),
    ("contains(createArray('one', 'two', 'three'), 'three')", True),
    ("contains(createArray('one', 'two', 'three'), 'Three')", False),
    ("contains(createArray(1), true())", False),
    ("createArray()", []),
    ("createArray('a', 1, createArray(2))", ["a", 1, [2]]),
    ("empty('')", True),
    ("empty(createArray())", True),
    ("empty(createObject())", True),
    ("empty(null())", True),
    ("empty('a')", False),
    ("first(createArray('one', 'two', 'three'))", "one"),
    ("first('One Two Three')", "O"),
    ("last(createArray('one', 'two', 'three'))", "three"),
    ("last('One Two three')", "e"),
    ("last('')", ""),
    ("indexOf('test', 't')", 0),
    ("lastIndexOf('test', 't')", 3),
    ("indexOf('abcdef', 'CD')", 2),
    ("lastIndexOf('abcdef', 'AB')", 0),
    ("indexOf('abcdef', 'z')", -1),
    ("indexOf(createArray('one', 'two', 'two'), 'two')", 1),
    ("lastIndexOf(createArray('one', 'two', 'two'), 'two')", 2),
    ("lastIndexOf(createArray(1), 'two')", -1),
    ("length(createArray('one', 'two', 'three'))", 3),
    ("length('One Two Three')", 13),
    (f"length({OBJECT})", 3),
    ("max(createArray(0, 3, 2, 5, 4))", 5),
    ("max(0, 3, 2, 5, 4)", 5),
    ("min(createArray(0, 3, 2, 5, 4))", 0),
    ("min(0, 3, 2, 5, 4)", 0),
    ("range(5, 3)", [5, 6, 7]),
    ("skip(createArray('one', 'two', 'three'), 2)", ["three"]),
    ("skip('one two three', 4)", "two three"),
    ("skip('abc', -1)", "abc"),
    ("take(createArray('one', 'two', 'three'), 2)", ["one", "two"]),
    ("take('one two three', 2)", "on"),
    ("take('abc', -1)", ""),
    ("join(createArray('one', 2, true()), ',')", "one,2,True"),
    ("flatten(createArray(createArray('a', 'b'), createArray('c')))", ["a", "b", "c"]),
    ("indexFromEnd(createArray(1, 2, 3), 1)", 3),
    ("tryIndexFromEnd(createArray(1, 2, 3), 4)", None),
    ("tryIndexFromEnd(createArray(createArray(7, 8)), 1, createObject('value', 2, 'fromEnd', true()))", 7),
    (f"tryGet({OBJECT}, 'two')", "b"),
    (f"tryGet({OBJECT}, 'four')", None),
    ("tryGet(createArray(1), 3)", None),
    ("tryGet(createObject('a', createObject('b', 1)), 'a', 'b')", 1),
    ("tryGet(null(), 'a', 'b')", None),
]
OBJECTS: list[tuple[str, Any]] = [
    ("createObject('int', 1, 'list', createArray('a'))", {"int": 1, "list": ["a"]}),
    ("items(createObject('b', 2, 'A', 1))", [{"key": "A", "value": 1}, {"key": "b", "value": 2}]),
    ("objectKeys(createObject('a', 1, 'b', 2))", ["a", "b"]),
    ("""json('{"a": "b"}')""", {"a": "b"}),
    ("json('null')", None),
    ("json('1.5')", 1.5),
    ("shallowMerge(createArray(createObject('a', 1, 'b', 1), createObject('b', 2)))", {"a": 1, "b": 2}),
    ("union(createArray('one', 'two', 'three'), createArray('three', 'four'))", ["one", "two", "three", "four"]),
    (
        """union(json('{"p": {"one": "a", "three": "c1"}, "n": [1, 2]}'), json('{"p": {"three": "c2"}, "n": [3]}'))""",
        {"p": {"one": "a", "three": "c2"}, "n": [3]},
    ),
    (
        """union(json('[["one", "two"], ["three"]]'), json('[["three"], ["four", "two"]]'))""",
        [["one", "two"], ["three"], ["four", "two"]],
    ),
    (f"intersection({OBJECT}, createObject('one', 'a', 'two', 'z', 'three', 'c'))", {"one": "a", "three": "c"}),
    ("intersection(createArray('one', 'two', 'three'), createArray('two', 'three'))", ["two", "three"]),
]
LOGIC: list[tuple[str, Any]] = [
    ("equals(1, 1)", True),
    ("equals('a', 'A')", False),
    ("equals(1, true())", False),
    ("equals(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 1))", True),
    ("less(1, 2)", True),
    ("lessOrEquals('a', 'A')", False),
    ("greater(1, 2)", False),
    ("greaterOrEquals(2, 2)", True),
    ("coalesce(null(), null(), 'x')", "x"),
    ("coalesce(null())", None),
    ("and(true(), false())", False),
    ("or(true(), reference('x'))", True),
    ("not(true())", False),
    ("if(true(), 1, reference('x').y)", 1),
    ("bool('TRUE')", True),
    ("bool(0)", False),
    ("add(5, 3)", 8),
    ("sub(7, 3)", 4),
    ("mul(5, -3)", -15),
    ("div(8, 3)", 2),
    ("div(-8, 3)", -2),
    ("mod(7, 3)", 1),
    ("mod(-7, 3)", -1),
    ("int('4')", 4),
    ("float('3.0')", 3.0),
]
TEXTS: list[tuple[str, Any]] = [
    ("base64('one, two, three')", "b25lLCB0d28sIHRocmVl"),
    ("base64ToString('b25lLCB0d28sIHRocmVl')", "one, two, three"),
    ("""base64ToJson(base64('{"one": "a"}'))""", {"one": "a"}),
    ("dataUri('Hello')", "data:text/plain;charset=utf8;base64,SGVsbG8="),
    ("dataUriToString('data:;base64,SGVsbG8sIFdvcmxkIQ==')", "Hello, World!"),
    ("dataUriToString('data:,a%20b')", "a b"),
    ("like('abc**def', '*DEF')", True),
    ("like('', '***')", True),
    ("like('ab', 'ab*b')", False),
    ("like('a', 'b')", False),
    ("parseUri('https://example.org/a?b=c').query", "?b=c"),
    ("buildUri(parseUri('https://example.org:8443/a?b=c'))", "https://example.org:8443/a?b=c"),
    ("startsWith('abcdef', 'AB')", True),
    ("startsWith('abcdef', 'e')", False),
    ("endsWith('abcdef', 'EF')", True),
    (
        "format('{0}, {1}. Formatted number: {2:N0}', 'Hello', 'User', 8175133)",
        "Hello, User. Formatted number: 8,175,133",
    ),
    ("format('{{{0,4}|{0,-4}|{0:D3}|{0:X}|{0:F1}|{0:00.0}}}', 12)", "{  12|12  |012|C|12.0|12.0}"),
    ("format('{0} {1}', true(), null())", "True "),
    ("format('{0:P1} {0:E2} {1:x4}', 2, 255)", "200.0 % 2.00E+000 00ff"),
    ("guid('a', 'b')", str(uuid5(UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830"), "a-b"))),
    ("uniqueString('hello', 'world')", "a7wkljktk6wne"),
    ("uniqueString('test')", "rbgf3xv4ufgzg"),
    ("uniqueString('tyeth')", "zcztcwvu6iyg6"),
    ("uniqueString('abc')", "cgtzqvhu4i23s"),
    ("uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-rg')", "bmg7c6xu4tw46"),
    ("padLeft('123', 10, '0')", "0000000123"),
    ("padLeft(7, 3)", "  7"),
    ("replace('123-123-1234', '-', '')", "1231231234"),
    ("split('one,two,three', ',')", ["one", "two", "three"]),
    ("split('one;two,three', createArray(',', ';'))", ["one", "two", "three"]),
    ("split('a', '')", ["a"]),
    ("string(createObject('valueA', 10, 'valueB', 'Example Text'))", '{"valueA":10,"valueB":"Example Text"}'),
    ("string(createArray('a', 'b'))", '["a","b"]'),
    ("string(5)", "5"),
    ("string(true())", "True"),
    ("substring('one two three', 4, 3)", "two"),
    ("substring('one', 1)", "ne"),
    ("toLower('One')", "one"),
    ("toUpper('One')", "ONE"),
    ("trim('  one two  ')", "one two"),
    ("uri('http://contoso.org/firstpath', 'myscript.sh')", "http://contoso.org/myscript.sh"),
    ("uri('http://contoso.org/firstpath/', 'myscript.sh')", "http://contoso.org/firstpath/myscript.sh"),
    ("uri('http://contoso.org/a/azuredeploy.json', 'x.sh')", "http://contoso.org/a/x.sh"),
    ("uri('http://contoso.org', 'x.sh')", "http://contoso.org/x.sh"),
    ("uriComponent('http://contoso.com/a b')", "http%3A%2F%2Fcontoso.com%2Fa%20b"),
    ("uriComponentToString('http%3A%2F%2Fcontoso.com')", "http://contoso.com"),
]
DATES: list[tuple[str, Any]] = [
    ("dateTimeAdd('2020-04-07 14:53:14Z', 'P3Y')", "2023-04-07 14:53:14Z"),
    ("dateTimeAdd('2020-04-07 14:53:14Z', '-P9D', 'yyyy-MM-dd')", "2020-03-29"),
    ("dateTimeAdd('2020-04-07T14:53:14Z', 'PT1H')", "2020-04-07T15:53:14Z"),
    ("dateTimeAdd('20200229T000000Z', 'P1Y')", "20210228T000000Z"),
    ("dateTimeAdd('2020-01-31', 'P1M1DT1.5S', 'o')", "2020-03-01T00:00:01.5000000Z"),
    ("dateTimeFromEpoch(1683040573)", "2023-05-02T15:16:13Z"),
    ("dateTimeToEpoch('2023-05-02T15:16:13Z')", 1683040573),
    ("utcNow()", "20240305T175318Z"),
    ("utcNow('d')", "03/05/2024"),
    ("utcNow('M d')", "3 5"),
    ("utcNow('u')", "2024-03-05 17:53:18Z"),
    ("utcNow('r')", "Tue, 05 Mar 2024 17:53:18 GMT"),
    ("utcNow('yy/MMM/dddd h:mm tt \\h fff')", "24/Mar/Tuesday 5:53 PM h 000"),
]
CIDR: list[tuple[str, Any]] = [
    (
        "parseCidr('10.144.0.0/20')",
        {
            "network": "10.144.0.0",
            "netmask": "255.255.240.0",
            "broadcast": "10.144.15.255",
            "firstUsable": "10.144.0.1",
            "lastUsable": "10.144.15.254",
            "cidr": 20,
        },
    ),
    (
        "parseCidr('fdad:3236:5555::/48')",
        {
            "network": "fdad:3236:5555::",
            "netmask": "ffff:ffff:ffff::",
            "firstUsable": "fdad:3236:5555::",
            "lastUsable": "fdad:3236:5555:ffff:ffff:ffff:ffff:ffff",
            "cidr": 48,
        },
    ),
    ("cidrSubnet('10.144.0.0/20', 24, 4)", "10.144.4.0/24"),
    ("cidrSubnet('fdad:3236:5555::/48', 52, 1)", "fdad:3236:5555:1000::/52"),
    ("cidrHost('10.144.3.0/24', 0)", "10.144.3.1"),
    ("cidrHost('fdad:3236:5555:3000::/52', 4)", "fdad:3236:5555:3000::5"),
]
LAMBDAS: list[tuple[str, Any]] = [
    (f"map({DOGS}, lambda('dog', lambdaVariables('dog').n))", ["Evie", "Casper", "Indy"]),
    ("map(range(5, 2), lambda('x', 'i', lambdaVariables('i')))", [0, 1]),
    ("filter(range(0, 6), lambda('i', equals(0, mod(lambdaVariables('i'), 2))))", [0, 2, 4]),
    ("reduce(range(1, 4), 1, lambda('cur', 'next', add(lambdaVariables('cur'), lambdaVariables('next'))))", 11),
    (
        f"map(sort({DOGS}, lambda('a', 'b', less(lambdaVariables('a').age, lambdaVariables('b').age))),"
        " lambda('d', lambdaVariables('d').age))",
        [2, 3, 5],
    ),
    (
        f"toObject({DOGS}, lambda('e', lambdaVariables('e').n), lambda('e', lambdaVariables('e').age))",
        {"Evie": 5, "Casper": 3, "Indy": 2},
    ),
    ("toObject(createArray('a'), lambda('e', lambdaVariables('e')))", {"a": "a"}),
    ("groupBy(createArray('ab', 'ac', 'b'), lambda('x', first(lambdaVariables('x'))))",
     {"a": ["ab", "ac"], "b": ["b"]}),
    ("groupBy(createArray('ab', 'ac'), lambda('x', 'a'), lambda('x', last(lambdaVariables('x'))))",
     {"a": ["b", "c"]}),
    ("distinct(createArray('a', 'b', 'a'))", ["a", "b"]),
    ("mapValues(createObject('a', 1), lambda('v', add(lambdaVariables('v'), 1)))", {"a": 2}),
    ("map(range(1, 1), lambda('a', map(range(2, 1), lambda('b', add(lambdaVariables('a'), lambdaVariables('b'))))))",
     [[3]]),
]  # fmt: skip
RESOURCES: list[tuple[str, Any]] = [
    ("subscription().id", "/subscriptions/S"),
    ("resourceGroup().id", "/subscriptions/S/resourceGroups/rg"),
    ("resourcegroup().LOCATION", "northeurope"),
    ("tenant().tenantId", "T"),
    ("deployment().name", "d"),
    ("environment().suffixes.storage", "core.windows.net"),
    ("resourceId('Microsoft.A/b', 'c')", "/subscriptions/S/resourceGroups/rg/providers/Microsoft.A/b/c"),
    ("resourceId('g', 'Microsoft.A/b/c', 'd', 'e')", "/subscriptions/S/resourceGroups/g/providers/Microsoft.A/b/d/c/e"),
    ("resourceId('s', 'g', 'Microsoft.A/b', 'c')", "/subscriptions/s/resourceGroups/g/providers/Microsoft.A/b/c"),
    ("subscriptionResourceId('Microsoft.A/b', 'c')", "/subscriptions/S/providers/Microsoft.A/b/c"),
    ("tenantResourceId('Microsoft.A/b', 'c')", "/providers/Microsoft.A/b/c"),
    ("extensionResourceId('/x/y', 'Microsoft.A/b', 'c')", "/x/y/providers/Microsoft.A/b/c"),
    ("managementGroupResourceId('m', 'Microsoft.A/b', 'c')",
     "/providers/Microsoft.Management/managementGroups/m/providers/Microsoft.A/b/c"),
]  # fmt: skip
SETTINGS = {
    "subscription_id": "S", "resource_group": "rg", "tenant_id": "T", "location": "northeurope",
    "deployment_name": "d", "utc_now": "2024-03-05T17:53:18Z",
}  # fmt: skip
ALL = [*ARRAYS, *OBJECTS, *LOGIC, *TEXTS, *DATES, *CIDR, *LAMBDAS, *RESOURCES]


@pytest.mark.parametrize(("expression", "expected"), ALL, ids=[expression for expression, _ in ALL])
def test_documented(expression: str, expected: Any) -> None:
    found = value(expression.replace("\\", "\\\\") if "\\\\" in expression else expression, inputs=SETTINGS)
    assert found == expected
    assert type(found) is type(expected)


def test_every_function_is_tested() -> None:
    written = " ".join(expression.lower() for expression, _ in ALL)
    elsewhere = {"resourceinfo", "parameters", "variables", "copyindex", "newguid", "fail", "true", "false", "null"}
    names = {*FUNCTIONS, *FORM_NAMES} - elsewhere
    assert [name for name in sorted(names) if f"{name}(" not in written] == []


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("concat('a', createArray())", "`concat` joins arrays with arrays or texts with texts"),
        ("length(5)", "the first argument of `length` is an integer"),
        ("length()", "`length` does not take 0 arguments"),
        ("toLower('a', 'b')", "`toLower` does not take 2 arguments"),
        ("add(1, 'a')", "the second argument of `add` is a string"),
        ("add(9223372036854775807, 1)", "does not fit into 64 bits"),
        ("div(1, 0)", "`div` by zero"),
        ("int('4x')", "`int` takes a text of digits"),
        ("bool('maybe')", "the text true or false"),
        ("substring('1234567890', 0, 11)", "`substring` from 0 to 11"),
        ("first(createArray(lambda('x', 1)))", "the first argument of `createArray` is a lambda"),
        ("lambda('x', 1)", "a lambda stands where a value is needed"),
        ("string(lambda('x', 1))", "the first argument of `string` is a lambda"),
        ("map(createArray(1), lambda('a', 'b', 'c', 1))", "the lambda names 3 variables"),
        ("filter(createArray(1), lambda('x', 1))", "the lambda of `filter` gives an integer"),
        ("lambdaVariables('x')", "no lambda around this"),
        ("if('yes', 1, 2)", "a condition of `if` is a string"),
        ("if(true(), 1)", "`if` does not take 2 arguments"),
        ("createObject('a')", "a value for each key"),
        ("createObject(1, 2)", "the keys of `createObject` are texts"),
        ("json('{')", "the text is not JSON"),
        ("json('NaN')", "the text is not JSON"),
        ("json('1e999')", "the text is not JSON"),
        ("base64ToString('*')", "not base64"),
        ("format('{1}', 'a')", "only 1 values"),
        ("format('{', 'a')", "stands alone"),
        ("less(1, 'a')", "two numbers or two texts"),
        ("resourceId('Microsoft.A/b')", "a name for each part"),
        ("resourceId('a', 'b')", "needs a resource type"),
        ("dateTimeAdd('yesterday', 'P1D')", "ISO 8601"),
        ("dateTimeAdd('2020-01-01', '1 day')", "ISO 8601"),
        ("dateTimeAdd('9999-12-31', 'P1D')", "the years 1 to 9999"),
        ("cidrSubnet('10.0.0.0/20', 16, 0)", "between 20 and 32"),
        ("cidrHost('10.0.0.0/30', 2)", "no host 2"),
        ("parseCidr('10.0.0.0')", "not an address range"),
        ("uri('no', 'b')", "not an absolute address"),
        ("intersection(createArray(), createObject())", "arrays only or objects only"),
        ("copyIndex()", "does not stand in a copy loop"),
        ("fail('choose a size')", "the template says: choose a size"),
        ("createObject('a', 1).b", "there is no property `b`"),
        ("createArray(1)[1]", "there is no item 1"),
        ("'a'.b", "a string has no properties"),
        ("tolowr('A')", "there is no function `tolowr`"),
        ("contoso.f()", "there is no function `contoso.f`"),
        ("parameters('x')", "declares no parameter `x`"),
        ("variables('x')", "declares no variable `x`"),
        ("reference('x').y", "`reference` asks Azure"),
        ("listKeys('x', '1').keys[0].value", "`listKeys` asks Azure"),
        ("pickZones('a', 'b', 'c')", "`pickZones` asks Azure"),
    ],
)
def test_refused(expression: str, said: str) -> None:
    assert said in refused(expression)


def test_new_guids_differ_and_are_the_same_each_time() -> None:
    pair = value("createArray(newGuid(), newGuid())")
    assert pair[0] != pair[1]
    assert pair == value("createArray(newGuid(), newGuid())")
    assert pair != value("createArray(newGuid(), newGuid())", inputs={"seed": "x"})
