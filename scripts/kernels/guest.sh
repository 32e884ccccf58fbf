#!/bin/sh
# Runs the tests in a test machine, as its first process. Words: the arguments of test.mjs.
# /tmp stays on the disk: an older tmpfs has no extended attributes of users and no file flags, which tests change.
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t securityfs security /sys/kernel/security
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t tmpfs -o mode=755 run /run
for name in fd:fd stdin:fd/0 stdout:fd/1 stderr:fd/2; do
  ln -sfn "/proc/self/${name#*:}" "/dev/${name%%:*}"
done
hostname guest
ip link set lo up

export HOME=/root USER=root LOGNAME=root SHELL=/bin/sh
read -r node </root/node
export PATH="${node%/*}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
echo "guest: kernel $(uname -r), security modules $(cat /sys/kernel/security/lsm)"
cd /root/secfilter || exit
# Through a pipe: on a terminal, as the console is one, the reporter colours the lines that test.mjs reads.
{
  "$node" scripts/test.mjs --built "$@" </dev/null 2>&1
  echo "guest: the tests ended with $?"
} | cat
# The console is slower than what it is told.
sleep 2
echo b >/proc/sysrq-trigger
sleep 60
