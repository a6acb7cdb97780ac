#!/usr/bin/env bash
# The programs outside Python that tests run: php with its curl extension, node, curl; wrk, of the benchmarks; ip, for hosts of their own; and PostgreSQL 15, the oldest
# that Clarion works with (the newest comes as a wheel). Installs what is missing from Debian's packages where it may; elsewhere it says so, and
# the tests that need it are skipped (under CI they fail).
set -u

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v node >/dev/null || missing+=(nodejs)
if ! command -v php >/dev/null; then
  missing+=(php-cli php-curl)
elif ! php -m 2>/dev/null | grep -qx curl; then
  missing+=(php-curl)
fi
command -v wrk >/dev/null || missing+=(wrk)
command -v ip >/dev/null || missing+=(iproute2)
[ -x /usr/lib/postgresql/15/bin/postgres ] || missing+=(postgresql-15)
[ ${#missing[@]} -eq 0 ] && exit 0

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

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
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
  [ ${#missing[@]} -eq 0 ] && exit 0
fi
echo "SKIPPED: tests that need ${missing[*]}; install them to run these tests" >&2
exit 0
