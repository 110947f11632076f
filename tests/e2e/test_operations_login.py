#!/usr/bin/env python3
"""How `maildird imap` reaches real servers, and by which mechanisms it logs in there."""

import base64
import hashlib
import hmac
import json
import os
import time

import certs
import daemon
import kerberos
import operations
import tools
from dovecot import Dovecot
from hoodiecrow import Hoodiecrow
from socks import Socks
from twisted_server import TwistedServer

MECHANISMS = """
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 oauthbearer external
auth_ssl_username_from_cert = yes
ssl_ca = <{folder}/ca.pem
ssl_verify_client_cert = yes
ssl_require_crl = no
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
passdb {{
  driver = static
  mechanisms = external
  args = nopassword
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""
TICKETS = """
auth_mechanisms = plain gssapi
auth_gssapi_hostname = localhost
auth_krb5_keytab = {keytab}
import_environment = $import_environment KRB5_CONFIG={config} KRB5RCACHENAME=none:
"""
OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""
KEY = b"a key that both ends know, 32 bytes"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def make_token(user, key=KEY):
    """A JSON Web Token (RFC 7519) for an hour."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": user, "iat": int(time.time()) - 10, "exp": int(time.time()) + 3600}
    signed = b".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
    return (signed + b"." + base64url(hmac.new(key, signed, hashlib.sha256).digest())).decode()


class ManyWays(Dovecot):
    def write_configuration(self):
        self.extra = MECHANISMS.format(folder=self.folder)
        with open(self.path("oauth2.conf"), "w", encoding="ascii") as stream:
            stream.write(OAUTH2.format(folder=self.folder))
        os.makedirs(self.path("keys", "default", "HS256"))
        with open(self.path("keys", "default", "HS256", "default"), "wb") as stream:
            stream.write(base64.b64encode(KEY))
        super().write_configuration()


class ByTicket(Dovecot):
    """In the Kerberos realm that is given."""

    def __init__(self, realm):
        tools.need_file("/usr/lib/dovecot/modules/auth/libmech_gssapi.so",
                        "/usr/lib64/dovecot/auth/libmech_gssapi.so",
                        "/usr/lib/dovecot/auth/libmech_gssapi.so")
        realm.give_keytab("dovecot")
        super().__init__(extra=TICKETS.format(keytab=realm.keytab, config=realm.config_file))


class Login(operations.Case):
    @classmethod
    def make_server(cls):
        return ManyWays()

    def use(self, transport="off", without=(), **keys):
        """The account anew."""
        account = dict(self.server.account(transport), maildir=self.client.maildir, **self.settings())
        account.update(keys)
        self.client.accounts["work"] = {key: value for key, value in account.items()
                                        if key not in without}
        self.client.write_config()

    def by(self, mechanism, transport="off", **keys):
        """Logs in so, and not otherwise."""
        trace = os.path.join(self.client.folder, "trace")
        self.use(transport, auth=[mechanism], **keys)
        self.result("--trace", trace, "login")
        with open(trace, encoding="utf-8") as stream:
            text = stream.read()
        self.assertIn(" AUTHENTICATE" if mechanism != "login" else " LOGIN", text)
        for secret in (self.server.password, keys.get("token", "no token")):
            self.assertNotIn(secret, text)
        self.assertEqual(self.uids("all"), "1:3")

    def test_by_each_mechanism(self):
        for mechanism in ("login", "plain", "cram-md5", "scram-sha-1", "scram-sha-256"):
            with self.subTest(mechanism):
                self.by(mechanism)

    def test_a_wrong_password(self):
        for mechanism in ("login", "plain", "cram-md5", "scram-sha-1", "scram-sha-256"):
            with self.subTest(mechanism):
                self.use(auth=[mechanism], password="wrong")
                document = self.document("login", code=77)
                self.assertEqual((document["status"], document["result"]), ("auth", None))

    def test_awkward_passwords(self):
        """Refused as wrong ones, not misread: the server's answer is about the password."""
        for password in ('a"b\\c', "pässword", "with space", "{3}"):
            for mechanism in ("login", "plain"):
                with self.subTest(password, mechanism=mechanism):
                    self.use(auth=[mechanism], password=password)
                    self.assertEqual(self.document("login", code=77)["status"], "auth")

    def token_words(self, token):
        path = os.path.join(self.client.folder, "token")
        with open(path, "w", encoding="ascii") as stream:
            stream.write(token)
        return {"without": ("password",), "token_command": ["cat", path]}

    def test_by_token(self):
        for mechanism in ("xoauth2", "oauthbearer"):
            with self.subTest(mechanism):
                self.by(mechanism, **self.token_words(make_token(self.server.user)))

    def test_a_wrong_token_is_told_in_words(self):
        for mechanism in ("xoauth2", "oauthbearer"):
            with self.subTest(mechanism):
                token = make_token(self.server.user, b"another key")
                self.use(auth=[mechanism], **self.token_words(token))
                document = self.document("login", code=77)
                self.assertEqual(document["status"], "auth")
                self.assertNotIn(token, document["text"])
                self.assertRegex(document["text"], "invalid_token|401|token")

    def test_by_certificate(self):
        cert, key = certs.make_leaf(self.server.folder, "client", self.server.user)
        self.by("external", "tls", without=("password",), tls_client_cert=cert, tls_client_key=key)

    def enter_realm(self):
        """A server that takes tickets, and no ticket yet; Kerberos knows the host by its name alone."""
        realm = self.enterContext(kerberos.Realm())
        server = self.enterContext(ByTicket(realm))
        self.__dict__["server"] = server
        connection = server.connect()
        for number in (1, 2, 3):
            connection.append("INBOX", "()", None, operations.MESSAGE % (number, number))
        connection.logout()
        realm.add_user(server.user, "of-kerberos")
        self.client.variables = realm.client_environment(server.user)
        self.ticket_words = {"without": ("password",), "host": "localhost"}
        self.use(auth=["gssapi"], **self.ticket_words)
        if "gssapi is not built in" in self.imap("login").err:
            self.skipTest("libgsasl is built without GSSAPI")
        return realm

    def files(self):
        folder = self.client.mailbox_path("INBOX")
        return sum(len(os.listdir(os.path.join(folder, part))) for part in ("new", "cur"))

    def test_by_ticket(self):
        realm = self.enter_realm()
        realm.log_in(self.server.user, "of-kerberos")
        for transport in ("off", "tls"):
            with self.subTest(transport):
                self.by("gssapi", transport, **self.ticket_words)
        passed = self.client.sync()
        self.assertEqual((passed.code, passed.account()["messages"]["downloaded"]), (0, 3), str(passed))

    def test_a_ticket_opens_the_mailboxes_of_its_user_alone(self):
        realm = self.enter_realm()
        realm.log_in(self.server.user, "of-kerberos")
        for words in ({"user": "bob"}, {"authzid": "bob"}):
            with self.subTest(words):
                self.use(auth=["gssapi"], **dict(self.ticket_words, **words))
                document = self.document("login", code=77)
                self.assertEqual(document["status"], "auth")
                self.assertIn("check `user` and the Kerberos ticket", document["text"])

    def test_without_a_ticket(self):
        """What is missing is said, and what to do about it; then it works."""
        realm = self.enter_realm()
        advice = "no valid Kerberos ticket for imap@localhost; get one with kinit"
        document = self.document("login", code=77)
        self.assertEqual(document["status"], "auth")
        self.assertIn(advice, document["text"])
        self.assertNotIn("password", document["text"])
        passed = self.client.sync()
        self.assertEqual((passed.code, passed.account()["error"]["code"]), (77, 77))
        self.assertIn(advice, passed.account()["error"]["text"])
        realm.log_in(self.server.user, "of-kerberos")
        self.assertEqual(self.uids("all"), "1:3")

    def test_the_daemon_by_ticket(self):
        """Also from a thread that may write to hardly anything, and with a ticket that came later."""
        realm = self.enter_realm()
        with daemon.Daemon(self.client) as running:
            running.wait_ready()
            running.wait(lambda: "1 refused" in running.status(), "the missing ticket is told")
            realm.log_in(self.server.user, "of-kerberos")
            done = self.client.run("trigger", "--wait")
            self.assertEqual(done.code, 0, str(done))
            self.assertEqual(self.files(), 3)

    def test_over_tls(self):
        self.use("tls")
        self.assertEqual(self.uids("all"), "1:3")

    def test_over_starttls(self):
        self.use("starttls")
        self.assertNotIn("STARTTLS", self.result("login")["capabilities"])
        self.assertEqual(self.uids("all"), "1:3")

    def test_compressed_over_tls(self):
        for transport in ("tls", "starttls"):
            self.use(transport, compress="on")
            self.assertIs(self.result("login")["compressed"], True)
            self.assertEqual(self.imap("fetch", "INBOX", "2", "message").out.encode(),
                             operations.MESSAGE % (2, 2))

    def test_another_issuer_is_refused(self):
        self.use("tls", tls_ca_file=certs.make_ca(self.client.folder))
        document = self.document("login", code=69)
        self.assertEqual(document["status"], "tls")

    def test_through_a_tunnel(self):
        self.use("tunnel")
        self.assertEqual(self.uids("all"), "1:3")

    def test_through_a_proxy(self):
        with Socks() as proxy:
            self.use("tls", proxy="socks5://127.0.0.1:%d" % proxy.port, host="localhost")
            self.assertEqual(self.uids("all"), "1:3")
            self.assertEqual(proxy.asked, ["localhost:%d" % self.server.tls_port])

    def test_twisted(self):
        with TwistedServer() as server:
            self.__dict__["server"] = server
            server.user = "bob"
            connection = server.connect()
            for number in (1, 2, 3):
                connection.append("INBOX", "()", None, operations.MESSAGE % (number, number))
            for mechanism in ("login", "plain", "cram-md5"):
                with self.subTest(mechanism):
                    self.by(mechanism)

    def test_hoodiecrow_by_token(self):
        with Hoodiecrow() as server:
            self.__dict__["server"] = server
            self.use(auth=["xoauth2"], **self.token_words(server.token))
            self.assertIn("UIDPLUS", self.result("login")["capabilities"])
            self.use(auth=["xoauth2"], **self.token_words("another-token"))
            self.assertEqual(self.document("login", code=77)["status"], "auth")


if __name__ == "__main__":
    tools.main()
