"""Small templates that go through the expression language, statements and white space control one by one.

Read by chat_template_fixtures.py. Snippets that fail in jinja2 are here on purpose: they have to fail in Swift too.
"""

SNIPPET_CONTEXT = {
    "s": "Hello, World",
    "padded": "  \tpad ded\n ",
    "empty": "",
    "unicode": "Straße ÇA été ΑΣ 日本 👩‍👩‍👧 e\u0301",
    "lines": "one\ntwo\r\n\nthree",
    "quotes": "it's \"quoted\" \\ <b>&amp;</b>",
    "control": "\x00\x1f\x7f\u2028\u00a0\u200b",
    "n": 7,
    "negative": -7,
    "zero": 0,
    "f": 2.5,
    "big": 1e22,
    "small": 1.5e-7,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2, 10, 3],
    "words": ["pear", "Apple", "fig", "apple", "Fig"],
    "mixed": [1, "two", None, True, 2.0, [1, [2]], {"k": "v"}],
    "people": [
        {"name": "Ann", "age": 31, "address": {"city": "Bern"}, "tags": ["x", "y"]},
        {"name": "bob", "age": 25, "address": {"city": "Basel"}, "tags": []},
        {"name": "Cid", "age": 31},
    ],
    "d": {"b": 1, "a": "x", "C": None, "items": "shadowed", "10": [1]},
    "nested": {"list": [{"deep": {"er": "!"}}], "true": True},
}

EXPRESSIONS = r"""
1
-1
+1
- -1
1 + 2 * 3
(1 + 2) * 3
2 ** 3 ** 2
-2 ** 2
2 ** -1
7 / 2
6 / 2
7 // 2
-7 // 2
7 % 3
-7 % 3
7 % -3
7.5 % 2
-7.5 // 2
7.5 // -2
1 / 0
1 // 0
1 % 0
0.1 + 0.2
1e3
1.0
1e16
123456789012345680.0
1e-5
0.0001
-0.0
1.5e300 * 1e300
5e-324
1_000
0x1F + 0b101 + 0o17
007
1_
1__0
1.e5
true
True
false
none
None
[1, 2.0, 'x', none, true]
(1,)
()
(1, 2)
[]
{}
{'a': 1, "b": [2]}
{1: 'one', none: 0, true: 2}
{1: 'a', 1.0: 'b', true: 'c'}
'a' 'b' "c"
'tab\tnew\nquote\'back\\slash'
"\x41\u00e9\U0001F600\101"
'\q\z'
'\u00'
'\ud800'
'line\
continued'
"don't"
['it\'s', "say \"hi\"", 'both \' and "']
['\n\t\r\\\x00\x7f\xa0\u2028é日\U0001F600\u200b']
s
undefined_name
undefined_name.attribute
undefined_name['x']
undefined_name()
undefined_name + 1
undefined_name ~ 'x'
undefined_name == undefined_name
undefined_name == none
undefined_name < 1
undefined_name|length
undefined_name|upper
undefined_name|default('fallback')
undefined_name|int
undefined_name|tojson
undefined_name|list
undefined_name|first is undefined
undefined_name|join(',')
undefined_name|replace('a', 'b')
'x' in undefined_name
[undefined_name]
-undefined_name
not undefined_name
nothing.attribute
nothing.attribute.more
nothing['x'] is undefined
nothing|default('x')
nothing|default('x', true)
empty|default('x', true)
empty|d('x', boolean=true)
d.a
d['a']
d.missing
d.missing.more
d['missing'] is defined
d.items is callable
d['items']
d.items()|list
d.keys()|list
d.values()|list
d.items()
d.keys()
d.get('a')
d.get('zzz')
d.get('zzz', 5)
d.get()
d|length
d|list
d|first
d|last
d|items|list
d|items
d.10
numbers.0
numbers[0]
numbers[-1]
numbers[99]
numbers[99].x
numbers['0'] is undefined
numbers[true]
numbers[1.0] is undefined
numbers.append(4)
numbers.append is defined
numbers.sort()
d.update({'x': 1})
d.pop('a')
s[0]
s[-1]
s[99]
s.upper
nested.list[0].deep.er
nested['list'][0]['deep']['er']
people[0].address.city
people[2].address.city
numbers[1:3]
numbers[:2]
numbers[2:]
numbers[:]
numbers[::-1]
numbers[::2]
numbers[-2:]
numbers[:-2]
numbers[3:1]
numbers[3:1:-1]
numbers[10:-10:-2]
numbers[::0]
numbers[none:2]
numbers['a':]
(1, 2, 3)[1:]
s[1:4]
s[::-1]
s[-5:]
s[:-1]
unicode[::-1]
unicode|length
d[1:2]
nothing[1:]
undefined_name[1:]
1 == 1.0
true == 1
'1' == 1
[1, 2] == [1, 2]
[1] == (1,)
{'a': 1} == {'a': 1.0}
{'a': 1, 'b': 2} == {'b': 2, 'a': 1}
none == false
'e\u0301' == '\u00e9'
1 < 2 < 3
1 < 3 < 2
1 == 1 == 1
1 < 2 == true
'a' < 'b'
'Z' < 'a'
'a' < 1
[1, 2] < [1, 3]
[1] < [1, 0]
[1] < (1,)
none < 1
1 != 2
1 >= 1.0
2 in numbers
2 not in numbers
'lo' in s
'' in s
1 in '123'
'a' in d
'x' in d
1 in nothing
1 in 5
'x' in people[0].tags
not 1 in numbers
not not true
not not not 1
1 and 2
0 and 2
0 or 'x'
'' or 0
1 or undefined_name.x
not 0 and 1
1 or 0 and 0
'a' if true else 'b'
'a' if false else 'b'
'a' if false
('a' if false) is undefined
'a' if false else 'b' if false else 'c'
1 if 0 else 2 + 3
1 + 2 ~ 3 + 4
1 ~ 2 * 3 ~ none ~ true ~ 1.0
'a' + 'b' * 3
3 * 'ab'
[1] * 3
'a' * -1
'a' * 2.0
'a' + 1
1 + 'a'
[1] + [2, 3]
[1] + (2,)
(1,) + (2,)
'a' - 'b'
-'a'
true + true
9223372036854775807
9223372036854775806 + 1
1 is number
1 is integer
1.0 is integer
1.0 is float
true is integer
true is number
true is boolean
1 is boolean
'x' is string
1 is string
[] is string
d is mapping
numbers is mapping
numbers is sequence
s is sequence
d is sequence
1 is sequence
numbers is iterable
1 is iterable
undefined_name is iterable
undefined_name is sequence
d.items() is sequence
nothing is none
nothing is not none
undefined_name is none
undefined_name is defined
undefined_name is not defined
undefined_name is undefined
s is defined
true is true
1 is true
false is false
0 is false
3 is odd
4 is even
4 is odd
6 is divisibleby 3
6 is divisibleby(4)
'a' is odd
range is callable
s is callable
s.upper is callable
1 is eq 1
1 is equalto 1
1 is == 1
1 is ne 2
3 is gt 2
3 is lessthan 2
3 is ge 3
2 is in [1, 2]
2 is not in [1, 2]
'abc' is lower
'ABC' is upper
'aBc' is lower
'123' is lower
nothing is sameas none
true is sameas true
1 is sameas true
'upper' is filter
'nope' is filter
'odd' is test
1 is string is string
'x' is string or false
not 'x' is string
s is string and s|length > 3
1 is defined is number
1 is divisibleby 0
s|upper
s|lower
s|upper|lower|title
s.upper().lower()
s|title
'foo-bar (baz) {x} it\'s'|title
'foo-bar (baz) {x} it\'s'.title()
'hELLO wORLD'|capitalize
'hELLO'.capitalize()
''|capitalize
unicode|upper
unicode|lower
unicode.title()
unicode|capitalize
padded|trim
padded.strip()
padded.lstrip()
padded.rstrip()
'xxhixx'.strip('x')
'xyhiyx'.strip('xy')
'xxhixx'|trim('x')
'\u00a0\u2003x\u200b'|trim
5|trim
nothing|trim
s.split()
s.split(', ')
s.split('l', 1)
padded.split()
'a b  c '.split(' ')
'a,b,,c'.split(',')
'a b c d'.split(none, 2)
' a  b c '.split(maxsplit=1)
s.split('')
''.split()
''.split(',')
'a,b,c'.rsplit(',', 1)
'a,b,c'.rsplit(',')
lines.splitlines()
lines.splitlines(true)
'a=b=c'.partition('=')
'a=b=c'.rpartition('=')
'abc'.partition('=')
s.startswith('Hell')
s.startswith(('x', 'He'))
s.endswith('World')
s.endswith('')
s.replace('l', 'L')
s.replace('l', 'L', 2)
'abc'.replace('', '-')
'aaa'.replace('aa', 'b')
s|replace('World', 'there')
s|replace('l', 'L', 1)
123|replace(2, 'x')
s.find('World')
s.find('zzz')
s.rfind('o')
s.index('W')
s.index('zzz')
s.count('l')
'aaaa'.count('aa')
'abc'.count('')
'-'.join(['a', 'b'])
'-'.join([1, 2])
','.join('abc')
'abc'.removeprefix('a').removesuffix('c')
'123'.isdigit()
'12a'.isdigit()
''.isdigit()
'abc'.isalpha()
'ab1'.isalnum()
' \t'.isspace()
'ABC'.isupper()
'abc'.islower()
s.nonexistent
s.nonexistent()
s.upper(1)
'abc'.startswith()
numbers.index(2)
numbers.index(99)
numbers.count(3)
numbers|length
numbers|count
5|length
nothing|length
d.items()|length
numbers|first
numbers|last
[]|first
[]|first is undefined
[]|last is undefined
s|first
s|last
numbers|sum
[0.5, 1]|sum
['a']|sum
['a', 'b']|sum(start='')
people|sum(attribute='age')
numbers|sum(start=100)
numbers|min
numbers|max
words|min
words|max(case_sensitive=true)
[]|max is undefined
people|max(attribute='age')
numbers|sort
numbers|sort(reverse=true)
words|sort
words|sort(case_sensitive=true)
words|sort(true)
people|sort(attribute='age')|map(attribute='name')|list
people|sort(attribute='age', reverse=true)|map(attribute='name')|join
people|sort(attribute='age,name')|map(attribute='name')|list
[1, 'a']|sort
words|unique|list
words|unique(case_sensitive=true)|list
people|unique(attribute='age')|map(attribute='name')|list
[[1], [1]]|unique|list
numbers|unique|list
numbers|reverse|list
s|reverse
numbers|reverse
d|reverse|list
words|join
words|join(', ')
numbers|join('-')
people|join(', ', attribute='name')
[none, true, 1.0, 'x']|join('|')
5|join
s|list
d|dictsort
d|dictsort(by='value')
{'b': 1, 'A': 3, 'c': 2}|dictsort(by='value')
{'b': 1, 'A': 3, 'c': 2}|dictsort(true)
{'b': 1, 'A': 3, 'c': 2}|dictsort(reverse=true)
{'b': 1}|dictsort(by='x')
numbers|dictsort
words|map('upper')|list
words|map('replace', 'p', 'P')|join(' ')
words|map('upper')
people|map(attribute='address.city')|list
people|map(attribute='age')|sum
people|map(attribute='address.city', default='?')|list
people|map(attribute='tags.0')|list
words|map('nofilter')|list
nothing|map('upper')|list
numbers|map()|list
5|map('upper')|list
numbers|select('odd')|list
numbers|select('gt', 2)|list
numbers|select|list
[0, 1, '', 'x', none]|select|list
numbers|reject('odd')|list
numbers|select('==', 3)|list
numbers|select('in', [1, 2])|list
numbers|select('notest')|list
people|selectattr('age', 'equalto', 31)|map(attribute='name')|list
people|selectattr('tags')|map(attribute='name')|list
people|selectattr('tags', 'defined')|map(attribute='name')|list
people|rejectattr('tags', 'defined')|map(attribute='name')|list
people|rejectattr('tags')|list|length
people|selectattr('address.city', 'defined')|list|length
people|selectattr()|list
numbers|batch(2)|list
numbers|batch(2, 'x')|list
numbers|batch(3)|map('join', '+')|list
lines|indent
lines|indent(2, true)
lines|indent(width=2, first=true, blank=true)
lines|indent('> ')
''|indent(2, true)
5|indent
quotes|e
quotes|escape
quotes|e|e
quotes|safe
quotes|safe|upper
(quotes|e) + '<i>'
'<i>' + (quotes|e)
(quotes|safe) ~ '<i>'
('<b>'|safe) is escaped
('<b>'|safe)[0:2] + '<'
5|e
nothing|e
5|string + 'x'
none|string
[1, 'a']|string
'12'|int
' 12 '|int
'12.7'|int
'x'|int
'x'|int(5)
'x'|int(default=5)
'1_000'|int
'ff'|int(base=16)
12.9|int
-12.9|int
true|int
nothing|int
[]|int(7)
'-5'|int
'+5'|int
'1e3'|int
'inf'|int
'1.5'|float
'x'|float
'x'|float(1.0)
3|float
nothing|float
'nan'|float
'-inf'|float
2.567|round
2.5|round
3.5|round
2.675|round(2)
2.567|round(1)
42|round
2.1|round(method='ceil')
2.19|round(1, 'floor')
2.1|round(method='bad')
7|round(method='ceil')
'x'|round
-5|abs
-5.5|abs
'x'|abs
'%s is %d%%'|format('x', 5)
'%s %s' % ('a', [1])
'%s' % 'x'
'%r' % 'x'
'%s %s' % 'x'
'%d' % 3.9
'%d' % 'x'
'%s' % 1 % 2
d|tojson
mixed|tojson
unicode|tojson
unicode|tojson(ensure_ascii=true)
quotes|tojson
control|tojson
control|tojson(ensure_ascii=True)
control|list
mixed|tojson(indent=2)
people[0]|tojson(indent=4)
d|tojson(sort_keys=true)
mixed|tojson(separators=(',', ':'))
mixed|tojson(indent=2, separators=(', ', '='))
mixed|tojson(indent='\t')
[]|tojson(indent=2)
{}|tojson(indent=2)
[[], {}, [[]]]|tojson(indent=1)
mixed|tojson(indent=0)
{1: 2, none: 3, true: 4, 1.5: 5}|tojson
(1, 2)|tojson
[1.0, 1e100, 1e16, 0.1, -0.0]|tojson
range(3)|tojson
[1e308 * 10]|tojson
undefined_name|tojson
d.items()|tojson
people|tojson|length
range(5)|list
range(2, 5)|list
range(10, 0, -3)|list
range(0)|list
range(5)
range(1, 5, 2)
range(5)|length
range(5)[1]
range(5)[-1]
3 in range(5)
range(1000000)
range(0, 5, 0)
range('a')
range()
range(1, 2, 3, 4)
dict(a=1, b='x')
dict({'a': 1}, b=2)
dict([('a', 1), ('b', 2)])
dict(5)
namespace(a=1).a
namespace({'x': 2}).x
namespace(a=1)['a']
namespace(_a=1)
namespace(a=1).b
strftime_now('%Y-%m-%d')
strftime_now('%d %b %Y, %A %B %H:%M:%S %I %p %j %y %% %-d %e')
strftime_now('plain')
strftime_now()
strftime_now(5)
raise_exception('stop ' ~ n)
raise_exception()
raise_exception(5)
d|attr('a') is defined
s|attr('upper') is defined
s.upper()|lower|replace('h', 'j')|first
(s|length) * 2
s|length * 2
-n|abs
-n.bit
n.nothing is defined
numbers|sort|first + numbers|sort|last
*numbers
[1, 2,]
[1 2]
{'a': 1,}
{'a'}
{'a': }
{[1]: 2}
{(1, 2): 'x'}[(1, 2)]
d[[1]] is undefined
(1
1)
[1)
'unterminated
a b
1 +
not
1 if
.5
5.
s.
s[
s|
s|nofilter
s|upper()
s|upper(1)
s|upper(x=1)
s|default(default_value='x', bogus=1)
s|default('a', 'b', 'c')
s is
s is notest
s is not
f(
@
1 = 1
a.b = 1
s;
numbers[1:2:1:1]
d.a.b.c
dict(**d)['a']
[1, 2, 3]|sum == 6 and 'ok'
people|map(attribute='name')|map('lower')|select('in', ['ann', 'cid'])|join(',')
(people|selectattr('age', 'gt', 30)|list)[0].name
['a', 'b'][true]
'%s' % (('a', 'b'),)
'a' in ['a', 'b'] and 'c' not in 'ab'
1 in [1] == true
(1 in [1]) == true
f * 2
big
small
f|int
yes ~ no
negative // 2
negative % 3
zero or 'zero'
nothing ~ ''
mixed
people[0]
control
""".strip("\n").replace("line\\\ncontinued", "line\\\x00continued").split("\n")

STATEMENTS = [
    # Conditions
    "{% if yes %}a{% endif %}b",
    "{% if no %}a{% elif n > 5 %}b{% elif true %}c{% else %}d{% endif %}",
    "{% if no %}a{% else %}d{% endif %}",
    "{% if undefined_name %}a{% else %}b{% endif %}",
    "{% if [] or {} or '' or 0 or 0.0 or none %}a{% else %}b{% endif %}",
    "{% if d.items() %}a{% endif %}{% if range(0) %}b{% endif %}{% if namespace() %}c{% endif %}",
    "{% if yes: %}colon{% endif %}",
    "{% if 1, 2 %}tuple{% endif %}",
    "{% if yes %}open",
    "{% endif %}",
    "{% if yes %}{% else %}{% elif no %}{% endif %}",
    "{% if %}{% endif %}",
    "{% if yes %}{% endfor %}",
    # Loops
    "{% for x in numbers %}{{ x }},{% endfor %}",
    "{% for x in [] %}{{ x }}{% else %}none{% endfor %}",
    "{% for x in numbers if x > 2 %}{{ loop.index }}:{{ x }} {% else %}none{% endfor %}",
    "{% for x in numbers if x > 99 %}{{ x }}{% else %}none{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}",
    "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}",
    "{% for k in d %}{{ k }};{% endfor %}",
    "{% for c in 'héy' %}[{{ c }}]{% endfor %}",
    "{% for a, b in [(1, 2), [3, 4], 'xy'] %}{{ a }}-{{ b }};{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}",
    "{% for a, b in [1] %}{{ a }}{% endfor %}",
    "{% for x in none %}{% endfor %}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in undefined_name %}x{% else %}none{% endfor %}",
    "{% for x in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}"
    "{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.depth }} {% endfor %}",
    "{% for x in numbers %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %}",
    "{% for x in numbers %}{{ loop.cycle() }}{% endfor %}",
    "{% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in numbers %}{% if loop.previtem is defined and x > loop.previtem %}^{% endif %}{{ x }}{% endfor %}",
    "{% for x in numbers %}{{ loop.nothing is defined }}{% break %}{% endfor %}",
    "{% for x in numbers %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in numbers %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in [1] %}{% for y in [1, 2, 3] %}{% if y == 2 %}{% break %}{% endif %}{{ y }}{% endfor %}after{% endfor %}",
    "{% for x in numbers %}{% break %}{% else %}none{% endfor %}",
    "{% for x in numbers %}{% continue %}{% else %}none{% endfor %}",
    "{% for x in numbers %}{% if x == 1 %}{% break %}{% endif %}{% else %}none{% endfor %}",
    "{% break %}",
    "{% if yes %}{% continue %}{% endif %}",
    "{% for x in [1, 2] %}{% for y in 'ab' %}{{ loop.index }}{{ y }}{% endfor %}{{ loop.index }};{% endfor %}",
    "{% for x in [1, 2] %}{% set outer = loop %}{% for y in 'ab' %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}",
    "{{ loop is defined }}{% for x in [1] %}{{ loop is defined }}{% endfor %}",
    "{% for x in numbers|reverse %}{{ x }}{{ loop.length }} {% endfor %}",
    "{% for x in numbers|map('string') %}{{ x }}{{ loop.last }} {% endfor %}",
    "{% for x in numbers[1:] + [99] %}{{ x }} {% endfor %}",
    "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}",
    "{% for x in (1, 2) if x == 1 %}{{ x }}{% endfor %}",
    "{% for x in [3, 1] if yes else [] %}{{ x }}{% endfor %}",
    "{% for x in ([3, 1] if yes else []) %}{{ x }}{% endfor %}",
    "{% set ns = namespace(done=false) %}{% for x in numbers if not ns.done %}{{ x }}"
    "{% if x == 1 %}{% set ns.done = true %}{% endif %}{% endfor %}",
    "{% set ns = namespace(done=false) %}{% for x in numbers if not ns.done %}{{ x }}{{ loop.last }}"
    "{% if x == 1 %}{% set ns.done = true %}{% endif %}{% endfor %}",
    "{% set it = numbers|map('string') %}{% for x in it %}{{ x }}{% endfor %}|{% for x in it %}{{ x }}{% endfor %}",
    "{% set it = numbers|map('string') %}{{ it|first }}{{ it|first }}{{ it|list }}{{ it|list }}",
    "{% for x in numbers %}{{ x }}",
    "{% for 5 in numbers %}{% endfor %}",
    "{% for x numbers %}{% endfor %}",
    "{% for x in numbers %}{% endfor x %}",
    "{% for true in numbers %}{% endfor %}",
    # Scopes and assignment
    "{% set x = 1 %}{{ x }}",
    "{% set x, y = 1, 2 %}{{ x }}{{ y }}",
    "{% set x = 1, 2 %}{{ x }}",
    "{% set x, y = [1] %}",
    "{% set (x, y) = [1, 2] %}{{ x }}{{ y }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = x + i %}{{ x }};{% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{% if loop.first %}{% set x = 'set' %}{% endif %}[{{ x }}]{% endfor %}[{{ x }}]",
    "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% set ns = namespace(count=0, text='') %}{% for i in numbers %}{% set ns.count = ns.count + i %}"
    "{% set ns.text = ns.text ~ i %}{% endfor %}{{ ns.count }} {{ ns.text }}",
    "{% set ns = namespace() %}{% set ns.x, y = 1, 2 %}{{ ns.x }}{{ y }}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{% set d.x = 1 %}",
    "{% set undefined_name.x = 1 %}",
    "{% set numbers[0] = 1 %}",
    "{% set x %}block {{ n }}{% endset %}[{{ x }}]{{ x is string }}",
    "{% set x | upper | trim %}  block {{ n }} {% endset %}[{{ x }}]",
    "{% set x %}{% set y = 1 %}{% endset %}{{ y is defined }}",
    "{% set x = 1 %}{% set x = x + 1 %}{{ x }}",
    "{% set true = 1 %}",
    "{% set 'a' = 1 %}",
    "{% set x %}",
    "{% set x = %}",
    "{% set messages = numbers[1:] %}{{ messages|length }}",
    "{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x is defined }}",
    "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}",
    "{% filter upper %}text {{ s }}{% endfilter %}",
    "{% filter replace('a', 'b')|trim %} aaa {% endfilter %}",
    "{% filter nofilter %}{% endfilter %}",
    "{% print n, s %}",
    "{% generation %}{% set x = 1 %}{{ x }}{{ n }}{% endgeneration %}{{ x is defined }}",
    "{% for x in [1] %}{% generation %}{{ loop.index }}{% endgeneration %}{% endfor %}",
    "{% do x %}",
    "{% include 'x' %}",
    "{% bogus %}",
    "{% %}",
    # Macros
    "{% macro m(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(b=5, a=4) }}{{ m() }}",
    "{% macro m(a) %}{{ a is defined }}{% endmacro %}{{ m() }}{{ m(1) }}",
    "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(b=2) }}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body {{ n }}{% endcall %}",
    "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}+{{ b }}{% endcall %}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{{ m() }}",
    "{% macro m() %}x{% endmacro %}{% call m() %}{% endcall %}",
    "{% call n %}{% endcall %}",
    "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}",
    "{% macro m() %}{% set x = 1 %}{% endmacro %}{{ m() }}{{ x is defined }}",
    "{% macro m(x) %}  {{ x }}  {% endmacro %}[{{ m(1)|trim }}]{{ m(1)|length }}",
    "{% macro a() %}A{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro m() %}{{ 1 }}{% endmacro %}{{ m() + 'x' }}{{ m.name }}",
    "{% macro m() %}{% break %}{% endmacro %}",
    "{% for x in [1] %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}",
    "{% macro m(a, *b) %}{% endmacro %}",
    "{% macro m() %}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(*[1]) }}{{ m(**{'x': 2}) }}",
    "{{ s.split(*[', ']) }}{{ dict(**{'a': 1}) }}",
    # White space
    "a\n{% if yes %}\nb\n{% endif %}\nc",
    "  {% if yes %}\n    x\n  {% endif %}\n",
    "a {%- if yes -%} b {%- endif -%} c",
    "a\n\n  {%- if yes %}\n  b\n  {%- endif %}\n  c",
    "  {%+ if yes %}b{% endif %}",
    "{% if yes +%}\nb{% endif %}",
    "{% if yes %}\n\nb{% endif %}",
    "a {{- n }} b {{ n -}} c",
    "a\n  {{ n }}\n  b",
    "a\n  {#- comment -#}\n  b",
    "a\n  {# comment #}\n  b",
    "a {# one #} b {# two\nlines #}\nc",
    "a\n  {#+ kept +#}\n b",
    "{# {{ not code }} {% if %} #}x",
    "{# open",
    "text\n",
    "text\n\n",
    "text\r\nnext\rlast\r\n",
    "{{ n }}\n",
    "{{ 'a\r\nb' }}",
    "\n\n{% set x = 1 %}\n\n",
    "a\t {% set x = 1 %} b",
    "a\n\t {% set x = 1 %}\t\nb",
    "{% raw %}{{ not }} {% code %}{% endraw %}after",
    "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb",
    "a {%- raw -%} {{ x }} {%- endraw -%} b",
    "a {% raw %}x{% endraw +%}\nb",
    "{% raw %}open",
    "{%raw%}{%endraw%}",
    "{% raw %}{# #}{% endraw %}{# x #}",
    "{{ '{{' }}{{ '}}' }}{{ '%}' }}{{ {'a': {'b': 1}}['a']['b'] }}",
    "{{ {'a': 1} }}",
    "{{{'a': 1}}}",
    "{{ n }",
    "{{ n",
    "{{ }}",
    "{{",
    "{%",
    "{ { n } }",
    "}} %} #}",
    "{{ n }}{{ s }}\n{{ n }}\n\n{{ s }}",
    "{%- set x = 1 -%}\n\n  {{- x -}}  \n",
    "{% set x = 1 %}\n{{ x }}\n{% set y = 2 %}\n  {{ y }}",
    "{% for x in [1, 2] %}\n  {{ x }}\n{% endfor %}\nend",
    "{% for x in [1, 2] -%}\n  {{ x }}\n{%- endfor %}\nend",
    "  {{ n }}  {% if yes %}  x  {% endif %}  \n  y",
    "a{%+ if yes +%}  b  {%+ endif +%}  \nc",
    "{{ n if yes }}{{ n if no }}{{ n if no else s }}",
    "{{ n, s }}",
    "é{{ unicode }}\u2028{{ n }}",
    "\u00a0\u2003{%- if yes %}x{% endif %}",
    "{{- n -}}\u00a0x",
]

SNIPPETS = ["{{ " + source.replace("\\\x00", "\\\n") + " }}" for source in EXPRESSIONS] + STATEMENTS
