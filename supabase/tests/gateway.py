"""Stands in for what a Supabase project puts in front of its database: PostgREST at /rest/v1 and the auth server's
/auth/v1/user. It calls the real functions of the real database, as the role that the key stands for, through the login
`authenticator` as PostgREST does; and it refuses what PostgREST refuses.

    gateway.py DATABASE_URL JWT_SECRET [SB_SECRET_KEY]     prints its port and serves until its input ends
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
from psycopg import sql

database, jwt_secret = sys.argv[1], sys.argv[2].encode()
secret_key = sys.argv[3] if len(sys.argv) > 3 else None

# SQLSTATE to HTTP, as PostgREST has it.
statuses = {"42501": 403, "42883": 404, "23505": 409, "23503": 409, "57014": 500, "53300": 503, "P0001": 400}


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.body = status, {"code": code, "message": message, "details": None, "hint": None}


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token):
    """The claims of a token that was signed with the project's secret and has not expired."""
    try:
        head, body, signature = token.split(".")
        expected = hmac.new(jwt_secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        if json.loads(decoded(head))["alg"] != "HS256" or not hmac.compare_digest(expected, decoded(signature)):
            raise ValueError
        claims = json.loads(decoded(body))
    except (ValueError, KeyError, TypeError):
        raise Refused(401, "PGRST301", "No suitable key or wrong key type") from None
    if claims.get("exp", time.time() + 1) < time.time():
        raise Refused(401, "PGRST303", "JWT expired")
    return claims


def claims_of_request(headers):
    """Who calls: the gateway wants a key of the project first, as Supabase's does."""
    key = headers.get("apikey")
    bearer = (headers.get("authorization") or "").removeprefix("Bearer ")
    if not key:
        raise Refused(401, "", "No API key found in request")
    if secret_key and hmac.compare_digest(key, secret_key):
        if bearer and bearer != key:
            return claims_of(bearer)
        return {"role": "service_role"}
    claims = claims_of(key)
    return claims_of(bearer) if bearer else claims


def call(role, name, arguments):
    with psycopg.connect(database, autocommit=False) as connection:
        with connection.cursor() as cursor:
            # Functions of the exposed schema alone, told apart by the names of their arguments.
            cursor.execute(
                "select proargnames, pronargs, pronargdefaults from pg_proc"
                " where pronamespace = 'public'::regnamespace and proname = %s", [name])
            for names, count, defaults in cursor.fetchall():
                names = (names or [])[:count]
                if set(arguments) <= set(names) and set(names[:count - defaults]) <= set(arguments):
                    break
            else:
                raise Refused(404, "PGRST202", f"Could not find the function public.{name} in the schema cache")
            cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            cursor.execute(
                sql.SQL("select to_json(public.{}({}))").format(
                    sql.Identifier(name),
                    sql.SQL(", ").join(
                        sql.SQL("{} => {}").format(sql.Identifier(key), sql.Placeholder()) for key in arguments)),
                [json.dumps(value) if isinstance(value, (dict, list)) else value for value in arguments.values()])
            return cursor.fetchone()[0]


def insert(role, table, row):
    """One row into a table of the exposed schema."""
    if not isinstance(row, dict) or not row:
        raise Refused(400, "PGRST102", "Empty or invalid json")
    columns = sql.SQL(", ").join(sql.Identifier(name) for name in row)
    with psycopg.connect(database, autocommit=False) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            cursor.execute(
                sql.SQL("insert into public.{0} ({1}) select {1} from json_populate_record(null::public.{0}, %s)").format(
                    sql.Identifier(table), columns), [json.dumps(row)])


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        try:
            if self.path == "/auth/v1/user":
                claims = claims_of((self.headers.get("authorization") or "").removeprefix("Bearer "))
                if claims.get("role") != "authenticated":
                    raise Refused(403, "bad_jwt", "invalid claim: missing sub claim")
                return self.answer(200, {"id": claims["sub"], "aud": "authenticated", "role": "authenticated"})
            raise Refused(404, "PGRST125", "Invalid path specified in request URL")
        except Refused as refused:
            self.answer(refused.status, refused.body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            claims = claims_of_request(self.headers)
            name = self.path.removeprefix("/rest/v1/")
            if name == self.path:
                raise Refused(404, "PGRST125", "Invalid path specified in request URL")
            try:
                arguments = json.loads(body)
            except ValueError:
                raise Refused(400, "PGRST102", "Empty or invalid json") from None
            if not name.startswith("rpc/"):
                insert(claims["role"], name, arguments)
                return self.answer(201, None)
            self.answer(200, call(claims["role"], name.removeprefix("rpc/"), arguments))
        except Refused as refused:
            self.answer(refused.status, refused.body)
        except psycopg.OperationalError:
            self.answer(503, {"code": "PGRST000", "message": "Database connection error", "details": None, "hint": None})
        except psycopg.Error as error:
            state = error.sqlstate or ""
            # Without a token, 42501 asks for one.
            is_anonymous = state == "42501" and claims.get("role") == "anon"
            status = 401 if is_anonymous else statuses.get(state, 400 if state[:2] in ("22", "23", "42") else 500)
            self.answer(status, {"code": state, "message": error.diag.message_primary, "details": None, "hint": None})


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    # Whoever started it holds the other end: when they go, it goes.
    sys.stdin.read()
    os._exit(0)


main()
