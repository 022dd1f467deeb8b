# Part of packaging/build: an image after the OCI specification, in two layers: a few packages of Debian (libc, TLS, certificates; no shell, no
# package manager) and the program. umoci writes it; nothing has to be pulled from a registry.
make_oci() {
    command -v umoci > /dev/null || fail "oci needs umoci (apt-get install umoci)."
    make_program
    local image=$work/image base=$work/base layer=$work/layer file
    file=$out/mailproxy-$version-oci-$arch.tar
    base_packages "$base"

    # Who runs it, and where the queue is.
    mkdir -p "$base"/{etc,tmp}
    printf 'root:x:0:0::/:/nonexistent\nmailproxy:x:65532:65532::/data:/nonexistent\n' > "$base/etc/passwd"
    printf 'root:x:0:\nmailproxy:x:65532:\n' > "$base/etc/group"
    printf 'hosts: files dns\n' > "$base/etc/nsswitch.conf"
    mkdir -p "$layer"/usr/{lib,bin} "$work/data/data"
    cp -a "$program" "$layer/usr/lib/mailproxy"
    ln -s ../lib/mailproxy/mailproxy "$layer/usr/bin/mailproxy"
    chmod 1777 "$base/tmp"
    chmod 700 "$work/data/data"
    same_times "$base"
    same_times "$layer"
    same_times "$work/data"

    umoci init --layout "$image"
    umoci new --image "$image:$version"
    add_layer "$base"
    add_layer "$layer" "$work/data"
    umoci config --image "$image:$version" --os linux --architecture "$arch" --created "$(date -u -d "@$SOURCE_DATE_EPOCH" +%FT%TZ)" \
        --config.user 65532:65532 --config.workingdir /data --config.volume /data --config.exposedports 8000/tcp --config.stopsignal SIGTERM \
        --config.entrypoint /usr/bin/mailproxy --config.cmd serve --config.env PATH=/usr/bin --config.env MAILPROXY_DATA=/data \
        --config.env 'MAILPROXY_URLS=http://*:8000' --config.env DOTNET_EnableDiagnostics=0 \
        --config.label org.opencontainers.image.title=MailProxy --config.label org.opencontainers.image.version="$version" \
        --config.label org.opencontainers.image.licenses=Apache-2.0
    umoci gc --layout "$image" > /dev/null
    tar -C "$image" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf "$file" .
    echo "$file"
}

# What the program is linked with and what TLS asks for, as the Debian of this machine has it. The lists are fetched apart from those of the
# machine, so that another architecture can be had without root.
base_packages() {
    local root=$1 apt=$work/apt package
    mkdir -p "$root" "$apt"/{lists/partial,cache/archives/partial,packages}
    local options=(-qq -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::Lists="$apt/lists" -o Dir::State::Status=/dev/null
        -o Dir::Cache="$apt/cache" -o APT::Sandbox::User= -o Debug::NoLocking=true)
    apt-get "${options[@]}" update
    (cd "$apt/packages" && apt-get "${options[@]}" download libc6 libgcc-s1 libstdc++6 libssl3 ca-certificates)
    for package in "$apt"/packages/*.deb; do dpkg-deb -x "$package" "$root"; done
    mkdir -p "$root/etc/ssl/certs"
    cat "$root"/usr/share/ca-certificates/mozilla/*.crt > "$root/etc/ssl/certs/ca-certificates.crt"
    # What a program needs to run, and not how to build or read about it.
    rm -rf "$root"/usr/share/{doc,man,lintian,gdb} "$root"/usr/{bin,sbin} "$root"/{bin,sbin} "$root"/usr/lib/*/{gconv,perl5} "$root"/etc/ca-certificates
}

# One layer of everything below the directories; the second holds what is the daemon's own.
add_layer() {
    local tar=$work/layer.tar
    tar -C "$1" --sort=name --owner=0 --group=0 --numeric-owner -cf "$tar" .
    if [ $# -gt 1 ]; then tar -C "$2" --sort=name --owner=65532 --group=65532 --numeric-owner -rf "$tar" ./data; fi
    umoci raw add-layer --image "$image:$version" "$tar"
    rm "$tar"
}
