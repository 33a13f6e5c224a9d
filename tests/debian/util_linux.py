#!/usr/bin/env python3
"""Debian's unshare, nsenter, lsns, ipcs, findmnt and mount: util_linux.py TOP IMAGE

Run by one script on Cloven and on Linux: see judge.py.
"""
import os
import sys

sys.dont_write_bytecode = True
TOP, IMAGE = sys.argv[1:3]
sys.path.insert(0, os.path.join(TOP, 'tests', 'harness'))
import cpio  # noqa: E402
import judge  # noqa: E402
import packages  # noqa: E402
import qemu  # noqa: E402

LIBRARIES = {  # package: shared objects
    'libc6': ['libc.so.6', 'libm.so.6'],
    'libselinux1': ['libselinux.so.1'],
    'libpcre2-8-0': ['libpcre2-8.so.0'],
    'libsmartcols1': ['libsmartcols.so.1'],
    'libmount1': ['libmount.so.1'],
    'libblkid1': ['libblkid.so.1'],
    'libsystemd0': ['libsystemd.so.0'],
    'libudev1': ['libudev.so.1'],
    'libcap-ng0': ['libcap-ng.so.0'],
}
PROGRAMS = {
    'util-linux': ['unshare', 'nsenter', 'lsns', 'ipcs', 'ipcmk', 'ipcrm', 'findmnt', 'setpriv',
                   'prlimit', 'chrt', 'ionice', 'taskset'],
    'mount': ['mount', 'umount'],
    'dash': ['dash'],
}

# Each line is a command of its own. What depends on chance (numbers of namespaces, process ids) is
# cut out by the command itself. The shell is dash, since busybox's would take its own tools first.
COMMANDS = r'''
unshare --uts sh -c 'hostname inside; hostname'; hostname
unshare --fork --pid --mount-proc sh -c 'echo $$; ps -o pid,args | grep -v ps'
unshare --fork --pid --mount-proc --kill-child=KILL sh -c 'echo $$'
unshare --map-root-user sh -c 'id -u; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups'
unshare --map-current-user id -u
unshare --user id -u
unshare --user --map-user=7 --map-group=8 sh -c 'id -u; id -g'
unshare --map-users=0,1000,10 --map-groups=0,1000,10 --user sh -c 'cat /proc/self/uid_map'
unshare --ipc sh -c 'ipcmk -Q >/dev/null; ipcs -q | grep -c ^0x'; ipcs -q | grep -c ^0x
unshare --mount sh -c 'mount -t tmpfs inner /mnt; grep -c inner /proc/mounts'; grep -c inner /proc/mounts
unshare --mount --propagation shared sh -c 'findmnt -n -o PROPAGATION /'
unshare --mount --propagation slave sh -c 'findmnt -n -o PROPAGATION /'
unshare --mount --propagation private sh -c 'findmnt -n -o PROPAGATION /'
unshare --mount --propagation unchanged sh -c 'findmnt -n -o PROPAGATION /'
mkdir /tmp/cg; mount -t cgroup2 cgroup2 /tmp/cg; mkdir /tmp/cg/a; echo $$ >/tmp/cg/a/cgroup.procs; cat /proc/self/cgroup
unshare --cgroup cat /proc/self/cgroup
unshare --cgroup --mount sh -c 'mount -t cgroup2 none /mnt; cat /proc/self/cgroup; cat /proc/1/cgroup; ls /mnt | grep -c cgroup.procs; findmnt -n -o FSROOT /mnt'
echo 0 >/tmp/cg/cgroup.procs; echo $$ >/tmp/cg/cgroup.procs; rmdir /tmp/cg/a; umount /tmp/cg
grep -v -e ^rootfs -e ^devtmpfs /proc/self/mounts
unshare --time --boottime 1000000 --monotonic 2000000 --fork sh -c 'cut -c1-5 /proc/uptime; cat /proc/self/timens_offsets'
unshare --root=/other sh -c 'ls /; pwd'
unshare --wd=/other/bin sh -c 'pwd'
unshare --setuid 5 --setgid 6 sh -c 'id -u; id -g'
unshare --keep-caps --user --map-user=9 sh -c 'grep CapEff /proc/self/status'
unshare --map-root-user --uts --ipc --pid --fork --mount-proc --cgroup --time sh -c 'id -u; echo $$; ls -1 /proc/self/ns | grep -v net'
unshare --pid true; echo no fork
unshare --fork sh -c 'kill -9 $$'
unshare --fork sh -c 'exit 7'
unshare --bogus
unshare --propagation nonsense true
unshare --setgroups=allow true
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --uts true
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --map-root-user --uts sh -c 'id -u; hostname mine; hostname'
setpriv --reuid 1000 --regid 1000 --clear-groups unshare --map-root-user --mount sh -c 'mount -t tmpfs t /mnt && umount /mnt; mount -o remount,rw / ; mount -t proc p /mnt'
setpriv --reuid 1000 --regid 1000 --clear-groups unshare -r --setgroups=allow true
touch /tmp/u /tmp/i; unshare --uts=/tmp/u --ipc=/tmp/i sh -c 'hostname kept; ipcmk -S 2 >/dev/null'
nsenter --uts=/tmp/u hostname; nsenter --ipc=/tmp/i ipcs -s | grep -c ^0x; umount /tmp/u; umount /tmp/i; nsenter --uts=/tmp/u hostname
mount --bind /keep /keep; mount --make-private /keep; touch /keep/m; unshare --mount=/keep/m sh -c 'mount -t tmpfs kept /mnt; echo yes >/mnt/f'; nsenter --mount=/keep/m cat /mnt/f; cat /mnt/f; umount /keep/m; umount /keep
start --fork --pid --mount-proc --uts --ipc --mount --cgroup sh -c 'hostname far; exec sleep 100'
nsenter --target $T --uts hostname
nsenter --target $T --all sh -c 'hostname; ps -o pid,args | grep sleep | grep -v grep'
nsenter --target $T --pid --mount sh -c 'ls -d /proc/[0-9]* >/tmp/l; wc -l </tmp/l'
nsenter --target $T --mount --root --wd pwd
nsenter --target $T --pid --no-fork sh -c 'echo not forked'
nsenter --target $T --user true
nsenter --target $T --time true
lsns -n -o TYPE -p $T | grep -v net | sort
lsns -n -o TYPE -p $$ | grep -v net | sort
lsns -n -o TYPE,NPROCS,COMMAND | grep 'sleep 100' | sed 's/[|`]-//; s/  */ /g' | sort
lsns -n -t pid -o NPROCS,COMMAND | sed '1d; s/^ *//'
setpriv --reuid 1000 --regid 1000 --clear-groups nsenter --target $T --uts hostname
stop; nsenter --target $T --uts hostname 2>&1 | sed 's/[0-9][0-9]*/N/'
nsenter --target 1 --uts hostname
nsenter --uts hostname
mount -t tmpfs -o size=64k,mode=700 small /mnt; findmnt -n -o FSTYPE,OPTIONS /mnt; mount -o remount,ro /mnt; touch /mnt/x; umount /mnt
mount --bind /other /mnt; mount -o remount,bind,ro,nosuid /mnt; findmnt -n -o VFS-OPTIONS /mnt; touch /mnt/x; umount /mnt
mount -t tmpfs a /mnt; mount --make-shared /mnt; mkdir /mnt/x; mount -t tmpfs b /mnt/x; mount --rbind /mnt /other; findmnt -n -R -o TARGET,PROPAGATION /other; umount -R /other; umount -R /mnt
mkdir -p /dev/shm /dev/mqueue; mount -t tmpfs shm /dev/shm; mount -t mqueue mq /dev/mqueue; ipcmk -M 4096 -S 3 -Q | sed 's/[0-9]*$//'; ipcs -a | grep -c ^0x; ipcs -l | grep -v '^$' | head -3; ipcrm --all; ipcs -a | grep -c ^0x
prlimit --nofile=64:128 sh -c 'ulimit -n; ulimit -Hn'; chrt -f 10 chrt -p 0 2>&1 | sed 's/pid [0-9]*/pid N/'; taskset 1 taskset -p 0 2>&1 | sed 's/pid [0-9]*/pid N/'
ionice -c 2 -n 3 ionice; ionice -c 3 ionice; setpriv --dump | grep -v -i apparmor
'''

START = r'''#!/usr/bin/dash
/bin/busybox mkdir -p /proc /tmp /mnt /keep /root /sys
/bin/busybox --install -s /bin
/bin/busybox ln -sf /usr/bin/dash /bin/sh
export PATH=/usr/bin:/bin HOME=/
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
mkdir -p /other/bin
cp /bin/busybox /other/bin; cp /bin/busybox /other/bin/sh; for i in ls cat; do ln /other/bin/sh /other/bin/$i; done
hostname outside
start() {
	unshare "$@" &
	S=$!
	T=
	while [ -z "$T" ]; do
		sleep 0.2
		T=$(ps -o pid,args | grep 'sleep 100' | grep -v -e grep -e unshare -e 'sh -c' | awk '{ print $1 }')
	done
}
stop() {
	kill -9 $T
	wait $S 2>/dev/null
}
'''


def make_archive():
    archive = cpio.Archive()
    for name in ('bin', 'dev', 'etc'):
        archive.directory(name)
    archive.copy('bin/busybox', packages.program('busybox-static', 'busybox'))
    packages.add_programs(archive, PROGRAMS, LIBRARIES)
    archive.file('etc/passwd', b'root:x:0:0:root:/:/bin/sh\n', 0o644)
    archive.file('init', (START + judge.READ_COMMANDS).encode())
    return archive


def body():
    judge.compare(TOP, IMAGE, make_archive(), COMMANDS)


qemu.main(body)
