#!/usr/bin/env bash
# A small machine for the tests of the unit: Debian's systemd as process 1 of namespaces of its own (mount, pid, cgroup, uts, ipc, net), in a root
# made of a tmpfs with the outer /usr read-only in it. Nothing of the outer machine can be changed from inside: what is seen of it is read-only, and
# the control groups are a subtree of their own.
#   boot-systemd.sh boot ROOT DOTNET PROGRAM [PACKAGES]
#                                              ROOT: an empty directory; PROGRAM: what `dotnet publish` made, seen as /srv/publish; ends with the machine
#                                              PACKAGES: a directory, seen as /srv/packages; dpkg works inside then, on a /usr that is thrown away
#   boot-systemd.sh sweep ROOT                 removes the control groups that are left of it
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"

root=$2
group=mailproxy-test-$(basename "$root")

# The place in the second version of control groups where this process stands, mounted anew if the machine has it nowhere.
groups_here() {
    local path
    path=$(sed -n 's/^0:://p' /proc/self/cgroup)
    mkdir -p "$root/groups"
    mount -t cgroup2 cgroup2 "$root/groups"
    echo "$root/groups$path"
}

boot() {
    mount --make-rprivate /
    local here
    here=$(groups_here)
    mkdir -p "$here/$group"
    echo $$ > "$here/$group/cgroup.procs"
    exec unshare --cgroup "$0" inside "$@"
}

inside() {
    local root=$1 dotnet=$2 program=$3 packages=${4:-} name
    umount "$root/groups"
    mount -t tmpfs -o mode=755,size=3g tmpfs "$root"
    cd "$root"
    mkdir -p usr etc/systemd/system etc/dotnet proc sys dev run tmp var/lib var/log var/tmp root home srv/dotnet srv/publish opt outer
    chmod 1777 tmp var/tmp
    if [ -n "$packages" ]; then
        mkdir -p layer/upper layer/work var/lib/dpkg srv/packages
        mount -t overlay overlay -o "lowerdir=/usr,upperdir=$root/layer/upper,workdir=$root/layer/work" usr
        cp -a /var/lib/dpkg/. var/lib/dpkg/
        mount --bind "$packages" srv/packages
        mount -o remount,bind,ro srv/packages
        rm -f usr/sbin/policy-rc.d # an outer container's word that no service starts
        (umask 077 && touch etc/shadow etc/gshadow)
    else
        mount --bind /usr usr
        mount -o remount,bind,ro usr
    fi
    for name in bin sbin lib lib64; do
        if [ -L "/$name" ]; then cp -a "/$name" "$name"; elif [ -d "/$name" ]; then mkdir "$name"; mount --bind "/$name" "$name"; mount -o remount,bind,ro "$name"; fi
    done
    mount --bind "$dotnet" srv/dotnet
    mount -o remount,bind,ro srv/dotnet
    mount --bind "$program" srv/publish
    mount -o remount,bind,ro srv/publish
    echo /srv/dotnet > etc/dotnet/install_location

    # Of the machine's own units only those that every service needs.
    mount -t tmpfs -o mode=755 tmpfs usr/lib/systemd/system
    for name in systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket \
        sysinit.target basic.target sockets.target timers.target paths.target slices.target shutdown.target umount.target multi-user.target network-online.target; do
        cp "/usr/lib/systemd/system/$name" usr/lib/systemd/system/
    done
    printf '[Unit]\nRequires=systemd-journald.service basic.target\nAfter=systemd-journald.service basic.target\n' > usr/lib/systemd/system/machine.target

    cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache etc/
    printf '127.0.0.1 localhost\n' > etc/hosts
    echo mailproxy-test > etc/hostname
    tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id

    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    mount -t tmpfs -o mode=755 tmpfs run
    mount -t tmpfs -o mode=755 tmpfs dev
    for name in null zero full random urandom tty; do
        touch "dev/$name"
        mount --bind "/dev/$name" "dev/$name"
    done
    mkdir dev/shm dev/pts
    mount -t tmpfs -o mode=1777 tmpfs dev/shm
    mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
    ln -s pts/ptmx dev/ptmx
    ln -s /proc/self/fd dev/fd
    touch dev/console

    pivot_root . outer
    cd /
    umount -l /outer
    mount --make-rshared / # credentials are mounted by a helper in a namespace of its own, and have to come through
    exec env -i container=mailproxy-test PATH=/usr/bin:/usr/sbin /lib/systemd/systemd --system --unit=machine.target --log-target=journal --show-status=no
}

sweep() {
    mount --make-rprivate /
    local here
    here=$(groups_here)
    [ -d "$here/$group" ] || return 0
    find "$here/$group" -depth -type d -exec rmdir {} +
}

action=$1
shift
case $action in
    boot) boot "$@" ;;
    inside) inside "$@" ;;
    sweep) sweep ;;
    *) echo "boot-systemd.sh: boot or sweep" >&2; exit 2 ;;
esac
