# Part of packaging/build: a folder named after its version, as packaging/README.md installs it.
make_tar() {
    make_program
    local name=mailproxy-$version root=$work/tar file
    file=$out/mailproxy-$version-${rid}.tar.gz
    mkdir -p "$root"
    cp -a "$program" "$root/$name"
    cp packaging/mailproxy.service packaging/mailproxy.socket packaging/man/mailproxy.1 "$root/$name/"
    same_times "$root"
    tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner -c "$name" | gzip -9n > "$file"
    echo "$file"
}
