# Part of packaging/build: a package for Debian and Ubuntu, by dpkg-deb. What its scripts do at which moment stands in them.
make_deb() {
    make_program
    local root=$work/deb lib=/usr/lib/mailproxy schema file
    file=$out/mailproxy_${version/-/\~}_$arch.deb
    schema=$(basename "$(find MailProxy.Pipeline/Storage/Sqlite/Migrations -name '*.sql' | sort | tail -n 1)")
    schema=$((10#${schema%%_*}))

    mkdir -p "$root"/{DEBIAN,usr/lib/mailproxy,usr/bin,usr/lib/systemd/system,usr/lib/sysusers.d,usr/lib/tmpfiles.d,etc/mailproxy} \
        "$root"/usr/share/{man/man1,doc/mailproxy,bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d,mailproxy}
    cp -a "$program" "$root$lib/dist"
    ln -s ../lib/mailproxy/current/mailproxy "$root/usr/bin/mailproxy"

    # The unit of packaging/README.md, for a user that stays and for where the package lies.
    sed -e "s#/opt/mailproxy/mailproxy #$lib/current/mailproxy #" -e "s#/opt/mailproxy/README.md#/usr/share/doc/mailproxy/README.md#" \
        -e "s#^WorkingDirectory=.*#WorkingDirectory=%S/mailproxy#" -e 's#^DynamicUser=yes#DynamicUser=no#' \
        -e 's#^\# The user exists only while.*#\# The user is made by the package (sysusers.d); its data is /var/lib/mailproxy.#' \
        packaging/mailproxy.service > "$root/usr/lib/systemd/system/mailproxy.service"
    if grep -q /opt/ "$root/usr/lib/systemd/system/mailproxy.service"; then fail "deb: the unit still names /opt."; fi
    cp packaging/mailproxy.socket "$root/usr/lib/systemd/system/"
    cp packaging/deb/sysusers.conf "$root/usr/lib/sysusers.d/mailproxy.conf"
    cp packaging/deb/tmpfiles.conf "$root/usr/lib/tmpfiles.d/mailproxy.conf"
    cp packaging/deb/appsettings.json "$root/etc/mailproxy/"

    completion bash > "$root/usr/share/bash-completion/completions/mailproxy"
    completion zsh > "$root/usr/share/zsh/vendor-completions/_mailproxy"
    completion fish > "$root/usr/share/fish/vendor_completions.d/mailproxy.fish"
    gzip -9nc packaging/man/mailproxy.1 > "$root/usr/share/man/man1/mailproxy.1.gz"
    for name in README.md docs; do mv "$root$lib/dist/$name" "$root/usr/share/doc/mailproxy/"; done
    gzip -9nc CHANGELOG.md > "$root/usr/share/doc/mailproxy/CHANGELOG.md.gz"
    cp packaging/deb/copyright packaging/mailproxy.cdx.json "$root/usr/share/doc/mailproxy/"
    install -D packaging/README.md "$root/usr/share/doc/mailproxy/packaging/README.md"
    rm -f "$root$lib/dist"/{LICENSE,CHANGELOG.md,mailproxy.service,mailproxy.socket}
    cp -r packaging/prometheus packaging/grafana "$root/usr/share/mailproxy/"
    rm -f "$root"/usr/share/mailproxy/prometheus/*.test.yaml

    echo /etc/mailproxy/appsettings.json > "$root/DEBIAN/conffiles"
    local script
    for script in preinst postinst prerm postrm; do
        sed "s#@SCHEMA@#$schema#; s#@VERSION@#$version#" "packaging/deb/$script" > "$root/DEBIAN/$script"
        chmod 755 "$root/DEBIAN/$script"
    done
    sed -e "s#@VERSION@#${version/-/\~}#; s#@ARCH@#$arch#" -e "s#@SIZE@#$(du -sk --apparent-size --exclude=DEBIAN "$root" | cut -f 1)#" \
        packaging/deb/control > "$root/DEBIAN/control"
    find "$root" -type d -exec chmod 755 {} +
    find "$root/usr/share" "$root/usr/lib/systemd" "$root/usr/lib/sysusers.d" "$root/usr/lib/tmpfiles.d" "$root/etc" -type f -exec chmod 644 {} +
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
    same_times "$root"
    dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" --build "$root" "$file" > /dev/null
    echo "$file"
}
