"""Imports, exports, and the keys of a site in a local data directory."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from clarion.cli.output import View
from clarion.clock import wall_clock
from clarion.control import imports, site_keys
from clarion.control.exports import export_page
from clarion.control.people_views import job_view, site_key_view
from clarion.control.person_rows import rows_from_csv, rows_from_lines
from clarion.control.views import site_view
from clarion.delivery.credentials import read_fcm_key
from clarion.delivery.guard import PushAllowList
from clarion.directory import Directory
from clarion.fresh_ids import fresh_id
from clarion.keyring import read_apns_file
from clarion.push_addresses import address_problems
from clarion.store.records.sites import Site

if TYPE_CHECKING:
    from clarion.cli.local import LocalStore


class LocalMoving:
    """The part of an instance that moves people in and out, and keeps the site's keys (`clarion.cli.instance`)."""

    _local: "LocalStore"
    _site: Site
    _issuer: Directory | None = None

    def start_import(self, what: str, name: str) -> View:
        return job_view(self._local.run(imports.start_import(self._local.store, self._site, what, name, wall_clock(), fresh_id)))

    def import_rows(self, job: str, offset: int, content: bytes, form: str) -> View:
        if self._issuer is None:
            self._issuer = Directory(self._local.store, self._local.vault())
            self._local.run(self._issuer.refresh())
        settings = self._local.settings
        hosts = PushAllowList(settings.push_endpoint_hosts, dangerous_allow_private_targets=settings.dangerous_allow_private_targets)
        return job_view(
            self._local.run(
                imports.add_rows(
                    self._local.store,
                    self._issuer,
                    self._site,
                    job,
                    offset,
                    partial(rows_from_csv, content) if form == "csv" else lambda _: rows_from_lines(content),
                    partial(address_problems, allowed=hosts),
                    wall_clock(),
                )
            )
        )

    def end_import(self, job: str, status: str) -> View:
        return job_view(self._local.run(imports.end_import(self._local.store, self._site, job, status, wall_clock())))

    def export_page(self, what: str, form: str, cursor: str | None, limit: int, *, addresses: bool) -> tuple[bytes, str | None]:
        work = export_page(self._local.store, self._site, what, form, cursor, limit, wall_clock(), addresses=addresses)
        page = self._local.run(work)
        return page.content, page.cursor

    def site_keys(self) -> list[View]:
        return [site_key_view(key) for key in self._local.run(site_keys.list_keys(self._local.store, self._site))]

    def rotate_vapid(self, vapid_subject: str | None) -> View:
        seal = self._local.vault().seal
        work = site_keys.rotate_vapid(self._local.store, seal, self._site, vapid_subject, wall_clock(), fresh_id)
        return site_view(self._local.run(work))

    def rotate_identity(self) -> View:
        seal = self._local.vault().seal
        return {"identity_secret": self._local.run(site_keys.rotate_identity(self._local.store, seal, self._site, wall_clock()))}

    def set_fcm(self, service_account: View) -> View:
        seal, file = self._local.vault().seal, msgspec.json.encode(service_account)
        return site_key_view(self._local.run(site_keys.set_fcm(self._local.store, seal, self._site, file, read_fcm_key, wall_clock())))

    def set_apns(self, given: View) -> View:
        seal, file = self._local.vault().seal, site_keys.ApnsFile(**given)
        return site_key_view(self._local.run(site_keys.set_apns(self._local.store, seal, self._site, file, read_apns_file, wall_clock())))

    def remove_site_key(self, kind: str) -> None:
        self._local.run(site_keys.remove_key(self._local.store, self._site, kind))
