# Part of packaging/build: a package for `dotnet tool install`, which brings no runtime.
make_tool() {
    dotnet pack MailProxy.Daemon -c Release -p:PackAsTool=true -p:Version="$version" -o "$work/tool" --nologo -v quiet >&2
    local file
    for file in "$work"/tool/*.nupkg; do
        cp "$file" "$out/"
        echo "$out/$(basename "$file")"
    done
}
