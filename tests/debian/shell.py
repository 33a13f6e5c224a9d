#!/usr/bin/env python3
"""Our shell against Debian's dash: shell.py TOP IMAGE USER_PROGRAM

Each line below is a script of its own. Both shells run it in the guest, with our tools in the path;
what they print and their exit status must be the same. What they complain of is not compared.
"""
import os
import re
import sys
import tempfile

sys.dont_write_bytecode = True
TOP, IMAGE, USER = sys.argv[1:4]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cpio  # noqa: E402
import qemu  # noqa: E402
import packages  # noqa: E402

SCRIPTS = r'''
echo one   two "three  four" 'five $x' six\ seven
x=5; echo $x ${x} "${x}y" ${y:-none} ${y-none} ${x:+set} "${y+set}"; echo ${#x} ${y:=new} $y
unset y; (: ${y:?gone}) || echo refused
f=/a/b/c.tar.gz; echo ${f##*/} ${f#*/} ${f%.*} ${f%%.*} ${f%/*}
x='a b  c'; for i in $x; do echo "<$i>"; done; for i in "$x"; do echo "<$i>"; done
IFS=:; x=a:b::c; set -- $x; echo $#; echo "$*"; IFS=; echo "$*"; echo $x
set -- a 'b c' d; echo "$@" $# "$2"; for i; do echo "<$i>"; done; shift 2; echo $1 $#; shift; echo $#
set -- a b c; x="$*"; echo "$x"; for i in "p$@q"; do echo "<$i>"; done
echo $((1 + 2 * 3)) $(( (1 + 2) * 3 )) $((7 / 2)) $((7 % 3)) $((-7 / 2)) $((1 << 4 | 3)) $((5 > 3 && 2 < 1)) $((!0)) $((~5))
x=4; echo $((x * x)) $(($x + 1)) $((x += 3)) $x $((x > 5 ? 10 : 20)) $((0x1f)) $((010))
echo $(echo a; echo b) "$(echo a; echo b)" `echo back` "$(echo "in $(echo nested)")"
x=$(exit 3); echo $?; false; echo $?; ! false; echo $?; true && echo and || echo or; false && echo and || echo or
if false; then echo a; elif true; then echo b; else echo c; fi; if false; then :; fi; echo $?
i=0; while [ $i -lt 5 ]; do i=$((i + 1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; until [ $i = 6 ]; do i=$((i+1)); done; echo $i
for i in 1 2 3; do for j in a b; do [ $j = b ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done
case abc in a) echo 1;; a*c|x) echo 2;; *) echo 3;; esac; case '*' in \*) echo star;; esac; case x in [!a-w]) echo range;; esac; case "" in "") echo empty;; esac
case a in (a) echo paren;; esac; x='a*'; case 'ab' in $x) echo pattern;; esac; case 'ab' in "$x") echo literal;; *) echo other;; esac
f() { echo "f: $1 $#"; return 3; }; f x y; echo $?; g() { local v=in; echo $v; }; v=out; g; echo $v
f() { [ $1 -le 0 ] && return; echo $1; f $(($1 - 1)); }; f 3
cat <<END
cat <<'END' | tr a-z A-Z
x=v; cat <<-END; echo after
echo a >f; echo b >>f; cat f; cat <f; echo c 2>&1 >/dev/null; echo err >&2 2>/dev/null; wc -c <f
exec 3>g; echo three >&3; exec 3>&-; cat g; exec 4<g; read x <&4; echo $x; echo fail >&9 || echo refused
(echo sub; exit 4); echo $?; { echo group; false; }; echo $?; (x=1; cd /); echo ${x-unset}; pwd | grep -c /tmp
echo a | cat | cat; false | true; echo $?; true | false; echo $?; ! true | false; echo $?
echo 'a b c' | { read x y; echo "<$x><$y>"; }; printf 'l1\nl2\n' | while read l; do echo "[$l]"; done; printf 'a\\\\qb\n' | { read x; echo "$x"; }; printf 'a\\qb\n' | { read -r x; echo "$x"; }
printf '%s-%d-%x-%o-%c|%5s|%-5s|%05d\n' str 42 255 8 char right left 42; printf '%s\n' a b c; printf '%b\n' 'a\tb'; printf '%%\n'
echo *; mkdir d; touch d/a d/b d/.h; echo d/*; echo d/.*h; echo d/[ab]; echo 'd/*' d/x*; cd d; echo ?; echo [!a]
x='*'; echo $x "$x"; set -f; echo *; set +f
trap 'echo bye' EXIT; echo hi; exit 5
trap 'echo usr1' USR1; kill -USR1 $$; echo after; trap - USR1; trap
trap '' TERM; kill -TERM $$; echo alive; (kill -9 $$) ; echo dead
sleep 0.1 & wait $!; echo $?; (exit 7) & wait $!; echo $?; sh -c 'kill -15 $$'; echo $?
eval 'x=1; echo $x'; eval "echo \$((x+1))"; y='echo quoted "a  b"'; eval $y; eval "$y"
set -e; echo a; false || echo b; if false; then :; fi; false; echo never
set -u; echo ${x-ok}; (echo $x) || echo refused
set -x 2>/dev/null; echo traced; set +x; echo done
readonly r=1; echo $r; (r=2) || echo refused; export E=env; sh -c 'echo $E'; E=tmp sh -c 'echo $E'; echo $E
x=1 y=2; x=3 true; echo $x; x=9 eval 'echo $x'; echo $x; unset x; echo ${x-gone}
type cd | head -c 2; echo; command -v cat; command -v nosuch || echo none; command echo plain; hash -r; echo $?
test -f /etc/profile || echo no; [ -d / ] && echo dir; [ a = a -a b != c ] && echo both; [ ! -e /nosuch ] && echo not; [ 3 -gt 2 ] && [ -n x ] && [ -z '' ] && echo nums; [ x ] && echo word; [ ]; echo $?
[ -r / -a -x / ] && echo access; ln -s /nosuch l; [ -L l ] && echo link; [ -e l ] || echo dangling; touch o; [ o -nt l ]; [ -s o ] || echo empty; [ 1 -eq x ]; echo $?
umask 022; umask; umask 077; touch m; ls -l m | cut -c1-10; umask -S
cd /; cd tmp; pwd; cd ..; pwd; cd - ; cd /nosuch || echo refused; OLDPWD=/bin; cd -; echo $PWD
alias ll='echo aliased'; ll; unalias ll; ll; echo $?
while getopts ab:c o; do echo "$o $OPTARG"; done; echo $OPTIND
set -- -a -b val rest; while getopts ab: o; do echo "$o:$OPTARG:$OPTIND"; done; shift $((OPTIND - 1)); echo $1
times >/dev/null; echo $?; ulimit -n >/dev/null; echo $?
echo 'echo sourced $1; return 3; echo never' >s; . ./s; echo $?
nosuchcommand; echo $?; /etc; echo $?; touch n; ./n; echo $?
echo "a\\q\$c\"d\`e" 'single"quote' "it's"; echo a\
x="multi
echo not#comment; echo a #b; echo never
f() (exit 6); f; echo $?; f() for i in 1 2; do echo $i; done; f; f() { echo "redirected"; } >h; f; cat h
if { true; } then echo ok; fi; while false; do :; done; echo $?; { false; } || echo or; (false) || echo or2
a=1; b=$a$a; c="$a"'$a'$a; echo $b $c; d=~; echo $d | grep -c ~; echo "~" \~ a~
echo ${x:-"a  b"} "${x:-'q'}" ${x:-$(echo cmd)} ${x:-a b}; echo "${x:-"inner"}"
echo $- | tr -d -c x; set -- ; echo $#; set -- -; echo $1; set -- --; echo $#
exec echo replaced; echo never
false; (echo $?); true; x=$? ; echo $x; f() { return; }; false; f; echo $?
i=0; while :; do i=$((i+1)); [ $i -gt 3 ] && break; done; echo $i; for i in; do echo never; done; echo $?
echo a;echo b&&echo c||echo d;(echo e)&wait
x=abc; echo ${x#a} ${x%c} ${x#[ab]} ${x%%[bc]*} ${#x} "${x#"a"}"; x='a*b'; echo "${x#a'*'}" "${x%"*b"}"
echo $((2147483647 + 1)) $((9223372036854775807)) $((-9223372036854775807 - 1)) $((1 / 1))
(echo $((1 / 0))) || echo refused
seq 3 | while read n; do s=$((s + n)); echo $s; done; echo ${s-unset}
printf 'x\n' >p; while read a; do echo "got $a"; done <p; read z </dev/null; echo $?
mkfifo q; echo through >q & cat q; wait; sh -c 'echo $0 $1 $#' name arg; sh -s a b <<X
set -o noclobber; echo 1 >nc; (echo 2 >nc) || echo refused; echo 3 >|nc; cat nc
kill -l 9; kill -0 $$; echo $?; kill -0 99999; echo $?
'''

# The few that need more than a line: \n stands for the end of one.
MULTI = {
    'cat <<END': 'x=v; cat <<END\n$x ${x}w $(echo sub) \\$x "q"\nEND\n',
    "cat <<'END' | tr a-z A-Z": "cat <<'END' | tr a-z A-Z\nraw $x\nEND\n",
    'x=v; cat <<-END; echo after': 'x=v; cat <<-END; echo after\n\t\tindented $x\n\tEND\n',
    'echo "a\\\\q\\$c\\"d\\`e" \'single"quote\' "it\'s"; echo a\\':
        'echo "a\\\\q\\$c\\"d\\`e" \'single"quote\' "it\'s"; echo a\\\nb\n',
    'x="multi': 'x="multi\nline"; echo "$x"; echo $x\n',
    "mkfifo q; echo through >q & cat q; wait; sh -c 'echo $0 $1 $#' name arg; sh -s a b <<X":
        "mkfifo q; echo through >q & cat q; wait; sh -c 'echo $0 $1 $#' name arg; sh -s a b <<'X'\necho $1 $#\nX\n",
}

START = r'''#!/bin/sh
mkdir -p /proc /tmp /dev
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
n=0
while [ -f /scripts/$n ]; do
	for shell in sh dash; do
		mkdir /tmp/w; cd /tmp/w
		echo "### $n $shell"
		/shells/$shell /scripts/$n </dev/null 2>/dev/null
		echo "status $?"
		cd /; rm -r /tmp/w
	done
	n=$((n + 1))
done
echo "### end"
poweroff -f
'''


def outputs(console):
    """{(number, shell): what it printed and its status}"""
    parts = re.split(r'^### (\d+) (\w+)\n', console.replace('\r', ''), flags=re.M)
    return {(int(parts[i]), parts[i + 1]): parts[i + 2].split('### end')[0]
            for i in range(1, len(parts) - 2, 3)}


def body():
    archive = cpio.Archive()
    for name in ('bin', 'shells', 'scripts', 'etc', 'dev'):
        archive.directory(name)
    packages.add_programs(archive, {'dash': ['dash']}, {'libc6': ['libc.so.6']})
    archive.copy('bin/sh', USER)
    archive.copy('shells/sh', USER)
    archive.link('shells/dash', '/usr/bin/dash')
    names = ('cat chmod cut echo grep head kill ln ls mkdir mkfifo mount poweroff '
             'printf pwd rm rmdir seq sleep sort tail touch tr true false wc').split()
    for name in names:
        archive.link('bin/' + name, 'sh')
    scripts = SCRIPTS.strip('\n').splitlines()
    for number, script in enumerate(scripts):
        archive.file('scripts/%d' % number, MULTI.get(script, script + '\n').encode(), 0o644)
    archive.file('init', START.encode())
    with tempfile.TemporaryDirectory(prefix='cloven-shell-') as work:
        initrd = archive.write(os.path.join(work, 'shell.cpio'))
        result = qemu.run(qemu.arguments(IMAGE, smp=2, initrd=initrd, append='loglevel=3'), cpu_limit=180)
    if result.status != 0 or '### end' not in result.console:
        raise qemu.Failure('the scripts did not end: ' + result.report())
    said, wrong = outputs(result.console), 0
    for number, script in enumerate(scripts):
        ours, dash = said.get((number, 'sh')), said.get((number, 'dash'))
        if ours != dash:
            wrong += 1
            print('--- %s\n    ours: %r\n    dash: %r' % (script, ours, dash))
    if wrong:
        raise qemu.Failure('%d of %d scripts differ' % (wrong, len(scripts)))
    print('%d scripts, no difference' % len(scripts))


qemu.main(body)
