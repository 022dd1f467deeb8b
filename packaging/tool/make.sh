# Part of packaging/build: a package for `dotnet tool install`, which brings no runtime and runs on every machine that has one.
make_tool() {
    local program=$work/tool file=$out/mailproxy.$version.nupkg
    dotnet publish MailProxy.Daemon -c Release -p:Version="$version" -p:PublishReadyToRun=false -o "$program" --nologo -v quiet >&2
    find "$program" -name '*.xml' -delete
    rm -f "$program/mailproxy"
    cat > "$program/DotnetToolSettings.xml" <<'SETTINGS'
<?xml version="1.0" encoding="utf-8"?>
<DotNetCliTool Version="1">
  <Commands>
    <Command Name="mailproxy" EntryPoint="mailproxy.dll" Runner="dotnet" />
  </Commands>
</DotNetCliTool>
SETTINGS
    same_times "$program"
    dotnet pack packaging/tool/tool.csproj -p:Program="$program" -p:PackageVersion="$version" -o "$out" --nologo -v quiet >&2
    echo "$file"
}
