"""The programs that a board's own shell runs: constant POSIX sh, into which nothing is ever inserted.

Whatever varies comes as lines of standard input. They run on dash, bash, busybox's ash and Android's mksh, and the board
needs only `uname`, `df`, `mktemp`, `rm`, `cat`, `wc` and `sleep`.
"""

from __future__ import annotations

_PROBE = r"""
import sys
if len(sys.argv) == 1:
    print("python_version=%d.%d.%d" % tuple(sys.version_info[:3]))
    print("bits=%d" % (64 if sys.maxsize > 2**32 else 32))
else:
    name, module, distribution = sys.argv[1:]
    try:
        __import__(module)
    except ImportError as problem:
        if getattr(problem, "name", None) != module.split(".")[0]:
            print("problem=%s: %s" % (name, str(problem).replace("\n", " ")[:300]))
        sys.exit()
    except Exception as problem:
        print("problem=%s: %s: %s" % (name, type(problem).__name__, str(problem).replace("\n", " ")[:300]))
        sys.exit()
    try:
        from importlib.metadata import version
        found = version(distribution)
    except Exception:
        found = "unknown"
    print("%s=%s" % (name, found))
"""

_BASE = r"""
for base in "${TMPDIR:-}" /tmp /data/local/tmp ''; do
  if [ -n "$base" ] && [ -d "$base" ] && [ -w "$base" ]; then break; fi
done
"""

# In: the interpreter that is asked for, or an empty line. Out: name=value lines. The runtimes are imported one by one,
# each in a process of its own: importing one that was built for another processor ends the process by a signal.
FACTS = rf"""
IFS= read -r asked || asked=
{_BASE}
say() {{ printf '%s=%s\n' "$1" "$2"; }}
say system "$(uname -s)"
say machine "$(uname -m)"
if [ -r /proc/device-tree/model ]; then say name "$(tr -d '\000' < /proc/device-tree/model)"; fi
if [ -e /system/build.prop ]; then say android yes; fi
if [ -r /proc/meminfo ]; then
  while read -r key value _; do
    if [ "$key" = MemAvailable: ]; then say memory_kib "$value"; fi
  done < /proc/meminfo
fi
if [ -n "$base" ]; then
  df -Pk "$base" | {{ read -r _; read -r _ _ _ free _; say disk_kib "$free"; }}
fi
python=$asked
if [ -z "$python" ]; then
  for python in python3 /data/data/com.termux/files/usr/bin/python3 ''; do
    if [ -n "$python" ] && command -v "$python" >/dev/null 2>&1; then break; fi
  done
fi
case $python in
  '~/'*) python=$HOME/${{python#??}} ;;
  /*) ;;
  */*) python=$PWD/$python ;;
esac
if [ -n "$python" ] && ! command -v "$python" >/dev/null 2>&1; then
  say absent "$python"
elif [ -n "$python" ]; then
  python=$(command -v "$python")
  say python "$python"
  program='{_PROBE}'
  "$python" -c "$program" </dev/null || say broken "$?"
  try() {{ "$python" -c "$program" "$@" </dev/null || say problem "$1: its import ended the process with $?"; }}
  try numpy numpy numpy
  try litert ai_edge_litert.interpreter ai-edge-litert
  try tflite_runtime tflite_runtime.interpreter tflite-runtime
fi
say end facts
"""

# In: the interpreter; then 'run' and the request for the runner; then 'end'. Empty lines say that the host is
# still there. Out: where the private folder is, what the runner prints, how it ended.
# The folder is removed when this shell ends, however it ends: a second process watches it, removes the folder if the
# shell is killed, and ends the shell if the host is silent for a minute. While the runner runs, it watches its input itself.
RUN = rf"""
umask 077
IFS= read -r python || exit 70
{_BASE}
dir=$(mktemp -d "$base/edgekit-XXXXXXXXXX") || exit 73
trap 'kill "$watcher" 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
(
  trap 'kill "$nap" 2>/dev/null; exit' TERM
  trap '' HUP INT
  silent=0
  while kill -0 $$ 2>/dev/null; do
    sleep 5 &
    nap=$!
    wait "$nap"
    silent=$((silent + 5))
    if [ -e "$dir/.alive" ]; then silent=0; rm -f "$dir/.alive"; fi
    if [ -e "$dir/.running" ]; then silent=0; fi
    if [ "$silent" -ge 60 ]; then kill -s KILL $$; break; fi
  done
  rm -rf "$dir"
) </dev/null >/dev/null 2>&1 &
watcher=$!
printf 'edgekit-folder %s\n' "$dir"
while IFS= read -r line; do
  case $line in
    run)
      true 2>/dev/null > "$dir/.running"
      (cd "$dir" && exec "$python" edgekit-bench.pyz --request -)
      printf '\nedgekit-ended %d\n' "$?"
      rm -f "$dir/.running"
      ;;
    end) exit 0 ;;
    *) true 2>/dev/null > "$dir/.alive" ;;
  esac
done
exit 74
"""

# In: the private folder. Out: for each output a line with its name and size, and its bytes.
FETCH = r"""
IFS= read -r dir || exit 70
cd "$dir/outputs" 2>/dev/null || exit 0
for name in *.npy; do
  if [ -f "$name" ]; then
    printf '%s %d\n' "$name" "$(wc -c < "$name")"
    cat "$name"
  fi
done
"""

# In: the private folder, the name of a file, its size; then its bytes. For boards whose sshd has no `scp` or `sftp`.
RECEIVE = r"""
umask 077
IFS= read -r dir && IFS= read -r name && IFS= read -r size || exit 70
cat > "$dir/$name" || exit 73
[ "$(wc -c < "$dir/$name")" -eq "$size" ] || exit 74
"""
