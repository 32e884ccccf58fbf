#!/bin/busybox sh
# The first program of a test machine: loads what the disk needs and goes on there. Words: the arguments of test.mjs.
busybox=/bin/busybox
$busybox mount -t devtmpfs dev /dev
while read -r module; do
  $busybox insmod "/modules/$module" || $busybox echo "guest: $module cannot be loaded"
done </modules/order
$busybox mount -t ext4 /dev/vda /disk || $busybox echo 'guest: the disk cannot be mounted'
exec $busybox switch_root /disk /bin/sh /root/secfilter/scripts/kernels/guest.sh "$@"
