"""Sessions, stored replies, locks and flood counts in Redis: one call before a turn and one after it.

Keys of one phone share a hash tag, so that a script finds them together in a cluster. The first failure of Redis in a
turn is the last call of that turn: everything after it works without (architecture section 4).
"""

import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from django.conf import settings
from django_redis import get_redis_connection

from ussd.clock import Clock
from ussd.session_index import note_activity, session_key
from ussd.sessions import Session
from ussd.turn_log import MOST_WAITING, turns_key
from ussd.turns import Reply, Turn

# KEYS: session, replies, lock, flood. ARGV: reply fields wanted (or ''), token and what it answers, its
# milliseconds, turns a minute allowed, 1 when this is the first look, 1 to take the right away from whoever has it.
_CLAIM = """
for i = 1, 2 do
  if ARGV[i] ~= '' then
    local said = redis.call('HGET', KEYS[2], ARGV[i])
    if said then return {'said', said} end
  end
end
if ARGV[6] == '1' then
  local turns = redis.call('INCR', KEYS[4])
  if turns == 1 then redis.call('EXPIRE', KEYS[4], 60) end
  if turns > tonumber(ARGV[5]) then return {'flooded', ''} end
end
if ARGV[7] == '1' then redis.call('DEL', KEYS[3]) end
if redis.call('SET', KEYS[3], ARGV[3], 'NX', 'PX', ARGV[4]) then
  return {'granted', redis.call('GET', KEYS[1]) or ''}
end
return {'busy', redis.call('GET', KEYS[3]) or ''}
"""

# KEYS: session, replies, lock. ARGV: token, session (or ''), seconds, reply, 1 to forget earlier replies, fields to
# store it under. Whoever lost the lock was overtaken: the session is then another's, the reply is still this turn's.
_KEEP = """
if redis.call('GET', KEYS[3]) == ARGV[1] then
  if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
  if ARGV[5] == '1' then redis.call('DEL', KEYS[2]) end
  redis.call('DEL', KEYS[3])
end
for i = 6, #ARGV do redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[4]) end
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""

# Seconds between looks while another request for the same phone is being answered.
_FIRST_WAIT, _LONGEST_WAIT = 0.02, 0.25
# Seconds after which another turn of the phone is taken for dead: people answer a screen after they have seen it, and
# a Redis that hung may carry out a claim whose process has long given up.
_PATIENCE = 1.5

logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claim:
    """What the store says to a turn: `said` (with the reply), `flooded`, `busy`, or `granted` (with the session)."""

    word: str
    reply: Reply | None = None
    session: Session | None = None


class Store:
    """The Redis side of one turn."""

    def __init__(self, turn: Turn, clock: Clock) -> None:
        self.turn = turn
        self.clock = clock
        self.works = True
        tag = f"{settings.REDIS_KEY_PREFIX}:ussd:{{{turn.phone}}}"
        self._session_key = session_key(turn.phone)
        self._replies_key = f"{tag}:replies:{turn.gateway}:{_short(turn.session_id)}"
        self._lock_key = f"{tag}:lock"
        self._flood_key = f"{tag}:turns"
        # A history or a number names the turn for good. A last input alone may come again as a new one, so its reply
        # can be found only by whoever asked while it was being made, or after the session has ended.
        self._field, self._names_turn = _field_of(turn)
        self._token = f"{uuid.uuid4().hex}|{self._field}"

    def claim(self, *, turns_per_minute: int) -> Claim:
        """The stored reply of a repeat, or the right to answer this turn with the session so far.

        While another request of this phone is being answered it waits: for the reply if that is the same turn; if it
        is another, a moment for its end. Without Redis every turn is granted, without session.
        """
        wait, twin, asked = _FIRST_WAIT, "", 0
        impatient_at = time.monotonic() + _PATIENCE
        while True:
            steals = not twin and time.monotonic() > impatient_at
            try:
                word, value = self._ask(first=asked == 0, steals=steals, twin=twin, turns_per_minute=turns_per_minute)
            except (redis.RedisError, OSError) as error:
                self._gone(error)
                return Claim("granted")
            if word == "said":
                text, ends = json.loads(value)
                return Claim("said", reply=Reply(text, ends))
            if word == "granted":
                return Claim("granted", session=Session.loads(value) if value else None)
            if word == "flooded" or self.clock.left_for_work() < wait:
                return Claim(word)
            if value.partition("|")[2] == self._field:
                twin = _twin_field(value)
            asked += 1
            time.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT)

    def keep(self, session: Session | None, reply: Reply, *, fresh: bool, record: dict[str, Any], seconds: int) -> bool:
        """Store the reply for repeats, the session for the next turn and the record for the log; give the lock back.

        `fresh`: the session began with this turn. One round trip. False when Redis is away: then nothing is stored.
        """
        if not self.works:
            return False
        fields = [_twin_field(self._token)]
        if self._names_turn or reply.ends:
            fields.append(self._field)
        said = json.dumps([reply.text, reply.ends], separators=(",", ":"))
        pipe = get_redis_connection("sessions").pipeline(transaction=False)
        stored = session.dumps() if session else ""
        keys = (self._session_key, self._replies_key, self._lock_key)
        # A session id that is used again means other turns by the same last inputs; histories mean the same ones.
        forget = int(fresh and not self._names_turn)
        pipe.eval(_KEEP, len(keys), *keys, self._token, stored, seconds, said, forget, *fields)
        if session:
            note_activity(pipe, session, seconds=seconds)
        pipe.rpush(turns_key(), json.dumps(record, separators=(",", ":")))
        pipe.ltrim(turns_key(), -MOST_WAITING, -1)
        try:
            pipe.execute()
        except (redis.RedisError, OSError) as error:
            self._gone(error)
            return False
        return True

    def _ask(self, *, first: bool, steals: bool, twin: str, turns_per_minute: int) -> tuple[str, str]:
        keys = (self._session_key, self._replies_key, self._lock_key, self._flood_key)
        milliseconds = max(1000, round(self.clock.remaining() * 1000))
        word, value = get_redis_connection("sessions").eval(
            _CLAIM,
            len(keys),
            *keys,
            self._field,
            twin,
            self._token,
            milliseconds,
            turns_per_minute,
            int(first),
            int(steals),
        )
        return word.decode(), value.decode()

    def _gone(self, error: Exception) -> None:
        self.works = False
        logger.warning("ussd_store_away", error=str(error))


def _field_of(turn: Turn) -> tuple[str, bool]:
    """Under which name this turn's reply is found again, and whether that name means this turn only."""
    if turn.history is not None:
        return f"history:{_short('*'.join((turn.service_code, *turn.history)))}", True
    if turn.number is not None:
        return f"turn:{turn.number}:{_short(turn.new_input)}", True
    return f"input:{_short(turn.new_input)}", False


def _twin_field(token: str) -> str:
    return f"twin:{token.partition('|')[0]}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
