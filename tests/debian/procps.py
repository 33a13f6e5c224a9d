#!/usr/bin/env python3
"""Debian's ps, top, pmap, free, vmstat, sysctl, pgrep, pstree, fuser and lsof: procps.py TOP IMAGE

They read nearly all of /proc. Run by one script on Cloven and on Linux: see judge.py.
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
    'libproc2-1': ['libproc2.so.1'],
    'libsystemd0': ['libsystemd.so.0'],
    'libcap2': ['libcap.so.2'],
    'libtinfo6': ['libtinfo.so.6'],
    'libselinux1': ['libselinux.so.1'],
    'libpcre2-8-0': ['libpcre2-8.so.0'],
    'libtirpc3t64': ['libtirpc.so.3'],
}
PROGRAMS = {
    'procps': ['ps', 'top', 'pmap', 'free', 'vmstat', 'sysctl', 'pgrep', 'pkill', 'pidwait', 'pwdx',
               'uptime', 'w', 'skill', 'snice', 'slabtop'],
    'psmisc': ['fuser', 'killall', 'prtstat', 'pstree'],
    'lsof': ['lsof'],
    'dash': ['dash'],
}

# $T is a process that sleeps. Addresses, times and numbers of processes are cut out by the commands.
COMMANDS = r'''
ps -p 1 -o pid,ppid,pgid,sid,tname,tpgid,stat,ni,pri,cls,rtprio,nlwp,comm,args
ps -p $T -o ppid,uid,euid,ruid,suid,fuid,gid,egid,rgid,sgid,fgid,user,group,supgrp
ps -p $T -o pending,blocked,ignored,caught,f,eip
ps -p $T -o tname,lxc,cgroup,unit,lsession,machine,oomadj
ps -p $T -o ipcns,mntns,netns,pidns,userns,utsns | head -1
ps -p $T -o lstart,etime,time,c,s,cp,bsdtime | sed 's/[0-9]/N/g; s/  */ /g' | head -1
ps -L -p $T -o lwp,nlwp,comm | sed 's/^ *[0-9]* /N /'
ps -e -o comm | grep -c '^sleep$'; ps -C sleep -o comm,args; ps --ppid $$ -o args | grep -v ps | sort
ps f -p $T,$$ -o args; ps -H -p $T -o comm; ps u -p $T | sed 's/[0-9]/N/g; s/NN*/N/g; s/  */ /g' | head -1
ps -p $T -l | sed 's/  */ /g' | cut -d ' ' -f 1-3,7,8; ps -p $T -j | sed 's/[0-9][0-9]*/N/g; s/  */ /g'
ps -p 99999; ps -p nonsense; ps -o nonsense
ps --user root -o comm | grep -c sleep; ps -U daemon -o comm; ps -t ttyS0 -o comm | head -1; ps -s $$ -o args | grep sleep
ps axZ | head -1; ps -p $T -M | head -1 | sed 's/  */ /g'
pmap $T | sed 's/^[0-9a-f]* *[0-9]*K/A/; s/^[0-9]*:/N:/; s/[0-9]*K$/NK/' | sort | uniq
pmap -x $T | sed 's/^[0-9a-f]\{16\}/A/; s/^[0-9]*:/N:/; s/[0-9][0-9]*/N/g; s/  */ /g' | sort | uniq
pmap -X $T | sed -n '2s/  */ /gp'; pmap -d $T | sed 's/^[0-9a-f]\{16\}/A/; s/[0-9][0-9]*/N/g; s/  */ /g' | tail -1
pmap 99999; pmap
free | sed 's/[0-9][0-9]*/N/g; s/  */ /g'; free -h --si -w -t | sed 's/[0-9.][0-9.]*[A-Za-z]*/N/g; s/  */ /g'
free -v | sed 's/[0-9][0-9]*/N/g; s/-N/N/; s/  */ /g'; free -b | awk '$1 == "Swap:" { print $2, $3, $4 }'
vmstat | sed 's/[0-9][0-9]*/N/g; s/  */ /g'; vmstat -a | sed 's/[0-9][0-9]*/N/g; s/  */ /g'
vmstat -s | sed 's/[0-9][0-9]*/N/g; s/  */ /g'; vmstat -f | sed 's/[0-9][0-9]*/N/g; s/^ *//'; vmstat 1 2 | wc -l
top -b -n 1 -p $T | sed 's/[0-9][0-9.:]*/N/g; s/  */ /g' | sed '1d'
top -b -n 1 -H -p $T | sed 's/[0-9][0-9.:]*/N/g; s/  */ /g' | sed '1d'; top -b -n 1 -o RES -p 1,$T | tail -2 | awk '{ print $2, $12 }'
uptime | sed 's/[0-9][0-9.:]*/N/g; s/  */ /g; s/Ns*/N/'; uptime -p | sed 's/[0-9]/N/'; w -h | wc -l
pgrep -x sleep -c; pgrep -f 'sleep 10[0]' -c; pgrep -P $$ -l | grep sleep | sed 's/[0-9]*//'; pgrep -u root -n >/dev/null; echo $?; pgrep nosuch; echo $?
pgrep -r S -x sleep -c; pgrep -g 0 -c >/dev/null; echo $?; pgrep -s $$ -x sleep -c; pgrep -a sleep | sed 's/^[0-9]*//'; pgrep --ns $$ -c -x sleep; pgrep --nslist uts,ipc --ns $$ -c -x sleep
sleep 50 & sleep 0.3; pkill -f 'sleep 5[0]'; sleep 0.3; wait $!; sleep 60 & sleep 0.3; pkill -x -9 -e sleep -n | sed 's/[0-9][0-9]*/N/'; sleep 0.3; wait $!
sleep 1 & sleep 0.3; pidwait -f 'sleep 1$'; sleep 50 & sleep 0.3; skill -KILL -p $!; sleep 0.3; wait $!
nice -n 5 sleep 100 & sleep 0.2; ps -p $! -o ni,pri,stat; snice 7 -p $! >/dev/null; ps -p $! -o ni; kill $!; sleep 0.3; wait $!
pwdx $T | sed 's/[0-9]*//'; cd /tmp; sleep 50 & sleep 0.2; pwdx $! | sed 's/[0-9]*//'; kill $!; cd /
sysctl kernel.hostname kernel.ostype kernel.osrelease kernel.pid_max kernel.domainname kernel.core_pattern kernel.randomize_va_space | grep -v osrelease
sysctl vm.overcommit_memory vm.overcommit_ratio vm.max_map_count vm.mmap_min_addr fs.pipe-max-size fs.nr_open fs.mount-max kernel.ngroups_max kernel.cap_last_cap
sysctl kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmmax kernel.shmall kernel.shmmni fs.mqueue.msg_max fs.mqueue.msgsize_max fs.mqueue.queues_max
sysctl -w kernel.hostname=named; sysctl -n kernel.hostname; sysctl -w kernel.pid_max=10; sysctl -w kernel.ostype=Other; sysctl -w kernel.pid_max=400000; sysctl -w kernel.pid_max=32768; sysctl no.such; sysctl -w kernel.hostname=outside
sysctl kernel.sched_rr_timeslice_ms fs.file-nr fs.inode-nr fs.dentry-state kernel.random.boot_id kernel.random.uuid kernel.tainted kernel.threads-max kernel.arch 2>&1 | sed 's/[0-9a-f]\{4,\}/N/g; s/[0-9][0-9]*/N/g; s/-[a-f0-9N]*-[a-f0-9N]*-[a-f0-9N]*-/-/'; sysctl -w vm.max_map_count=70000 fs.nr_open=2000000 fs.pipe-max-size=100000 kernel.randomize_va_space=0; sysctl fs.pipe-max-size; sysctl -w fs.nr_open=5; sysctl -w kernel.sched_rr_timeslice_ms=0; sysctl kernel.sched_rr_timeslice_ms; sysctl -w vm.drop_caches=3; sysctl -w vm.drop_caches=9; sysctl user.max_user_namespaces user.max_pid_namespaces 2>&1 | sed 's/[0-9][0-9]*/N/g'
pstree $$ | sed 's/-.*---/---/' | head -1; pstree -A -a $$ | grep -c sleep; pstree -A -p $T | sed 's/[0-9][0-9]*/N/'; pstree -A -s $T; pstree -A -S $T; pstree -g -A $T | sed 's/[0-9][0-9]*/N/'
prtstat -r $T | sed 's/-*[0-9][0-9]*/N/g; s/[ \t][ \t]*/ /g'; prtstat $T | sed 's/-*[0-9][0-9.]*/N/g; s/  */ /g' | head -4
killall -0 sleep; echo $?; sleep 50 & killall -o 0s sleep 2>&1 | head -2; sleep 0.3; wait $!; killall -v nosuch; T=$(start); killall -l | head -1
exec 5>/tmp/held; fuser /tmp/held 2>&1 | grep -v -e socket -e /proc/net | sed 's/ [0-9][0-9]*/ N/g' | cut -c1-15; fuser -v /tmp/held 2>&1 | grep -v -e socket -e /proc/net | sed 's/[0-9][0-9]*/N/g; s/  */ /g' | head -2; exec 5>&-; fuser /tmp/held 2>/dev/null; echo $?
lsof -p $T 2>&1 | sed 's/[0-9][0-9]*/N/g; s/  */ /g' | sort | uniq
exec 5>/tmp/held; lsof /tmp/held | awk '{ print $1, $4, $5, $9 }'; lsof -t /tmp/held | wc -l; lsof -a -p $$ -d 5 -F fan | sed 's/[0-9][0-9]*/N/'; exec 5>&-; lsof /tmp/held; echo $?
rm /tmp/held; exec 5>/tmp/gone; rm /tmp/gone; lsof -a -p $$ -d 5 +L1 | awk '{ print $4, $5, $8, $10, $11 }'; exec 5>&-
sleep 100 | sleep 100 & sleep 0.2; lsof -c sleep -a -d 0,1 | awk '{ print $4, $5, $NF }' | sort | uniq; kill %1 2>/dev/null; pkill -f 'sleep 10[0]'; wait
slabtop -o -s c 2>&1 | head -7 | tail -2 | sed 's/[0-9][0-9.]*K*%*/N/g; s/  */ /g'
cat /proc/loadavg | sed 's/[0-9][0-9]*/N/g'; cat /proc/version | cut -c1-14; cat /proc/filesystems | grep -e tmpfs -e proc -e mqueue -e cgroup2 -e devpts | sort; cat /proc/uptime | sed 's/[0-9][0-9]*/N/g'
cat /proc/cpuinfo | sed 's/:.*//' | head -4; grep /dev/pts /proc/tty/drivers; cat /proc/consoles; cut -d ' ' -f 1 /proc/stat | sort | uniq | grep -v softirq; cat /proc/swaps; cat /proc/devices | grep -e pts -e ttyS$ -e mem; head -1 /proc/interrupts
'''

START = r'''#!/usr/bin/dash
/bin/busybox mkdir -p /proc /tmp /sys /root
/bin/busybox --install -s /bin
/bin/busybox ln -sf /usr/bin/dash /bin/sh
export PATH=/usr/bin:/bin HOME=/ TERM=linux COLUMNS=200
mount -t proc proc /proc
mount -t tmpfs tmpfs /tmp
mount -t devtmpfs dev /dev
hostname outside
start() {
	sleep 100 >/dev/null &
	echo $!
}
T=$(start)
sleep 0.3
'''


def make_archive():
    archive = cpio.Archive()
    for name in ('bin', 'dev', 'etc'):
        archive.directory(name)
    archive.copy('bin/busybox', packages.program('busybox-static', 'busybox'))
    packages.add_programs(archive, PROGRAMS, LIBRARIES)
    archive.copy('usr/bin/sleep', packages.program('coreutils', 'sleep'))
    archive.file('etc/passwd', b'root:x:0:0:root:/:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/sh\n', 0o644)
    archive.file('etc/group', b'root:x:0:\ndaemon:x:1:\n', 0o644)
    archive.file('init', (START + judge.READ_COMMANDS).encode())
    return archive


def body():
    judge.compare(TOP, IMAGE, make_archive(), COMMANDS)


qemu.main(body)
