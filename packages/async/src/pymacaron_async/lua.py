"""The scripts that Redis runs. Each is atomic, and all of them read the time from Redis, whose clock is the only one.

A task is a hash. ``running`` is a sorted set of the ids of running tasks, each with the time when its lease ends. A key
that a task does not have ends in ``-``; see :data:`ABSENT`.
"""

from __future__ import annotations

#: How a key ends that is not there.
ABSENT = "-"

_NOW = "local t = redis.call('TIME'); local now = t[1] + t[2] / 1000000\n"
_HAS = "local function has(key) return string.sub(key, -1) ~= '-' end\n"
_ENDED = "local ended = {succeeded=true, failed=true, cancelled=true}\n"

#: task, unique, id, ttl, unique seconds, fields…
ENQUEUE = (
    _NOW
    + _HAS
    + """
local state = redis.call('HGET', KEYS[1], 'state')
if state and state ~= 'queued' then return ARGV[1] end
if has(KEYS[2]) then
  local holder = redis.call('GET', KEYS[2])
  if holder and holder ~= ARGV[1] then return holder end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
end
redis.call('HSET', KEYS[1], 'state', 'queued', unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return false
"""
)

#: task, unique; id
WITHDRAW = (
    _HAS
    + """
if redis.call('HGET', KEYS[1], 'state') == 'queued' then redis.call('DEL', KEYS[1]) end
if has(KEYS[2]) and redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""
)

#: task, running, unique, done; id, lease, ms of the lease, attempt, most deliveries, ttl, unique ms, fields…
BEGIN = (
    _NOW
    + _HAS
    + _ENDED
    + """
local id, lease, attempt = ARGV[1], ARGV[2], tonumber(ARGV[4])
local task = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'deliveries', 'lease', 'cancel')
local state, known = task[1], tonumber(task[2] or 0)
if ended[state] and not task[5] then return {'drop', 0} end
local until_ = redis.call('ZSCORE', KEYS[2], id)
local alive = until_ and tonumber(until_) > now
if task[5] and not alive then
  redis.call('HDEL', KEYS[1], 'lease')
  return {'cancelled', 0}
end
if known > attempt or (known == attempt and state == 'retrying') then return {'drop', 0} end
if known == attempt and alive then return {'wait', math.ceil((until_ - now) * 1000)} end
if has(KEYS[4]) and redis.call('EXISTS', KEYS[4]) == 1 then return {'drop', 0} end
if has(KEYS[3]) then
  local holder = redis.call('GET', KEYS[3])
  if holder and holder ~= id then return {'drop', 0} end
  redis.call('SET', KEYS[3], id, 'PX', ARGV[7])
end
local deliveries = 1
if known == attempt and task[3] then deliveries = tonumber(task[3]) + 1 end
local exhausted = deliveries > tonumber(ARGV[5])
redis.call('HSET', KEYS[1], 'state', exhausted and (state or 'queued') or 'running', 'attempt', attempt,
  'deliveries', deliveries, 'started', tostring(now), 'lease', lease, unpack(ARGV, 8))
redis.call('PEXPIRE', KEYS[1], ARGV[6])
if exhausted then return {'exhausted', deliveries} end
redis.call('ZADD', KEYS[2], tostring(now + ARGV[3] / 1000), id)
return {'run', deliveries}
"""
)

#: task, running, unique; id, lease, ms, ttl, unique ms
RENEW = (
    _NOW
    + _HAS
    + """
local task = redis.call('HMGET', KEYS[1], 'lease', 'state', 'cancel')
if task[1] ~= ARGV[2] or task[2] ~= 'running' then return 0 end
redis.call('ZADD', KEYS[2], 'XX', tostring(now + ARGV[3] / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if has(KEYS[3]) and redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('PEXPIRE', KEYS[3], ARGV[5]) end
return task[3] and 0 or 1
"""
)

#: task, running; id, whether the run counts
RELEASE = """
local held = redis.call('ZREM', KEYS[2], ARGV[1])
if held == 1 and ARGV[2] == '0' then
  local deliveries = tonumber(redis.call('HGET', KEYS[1], 'deliveries') or 0)
  if deliveries > 0 then redis.call('HSET', KEYS[1], 'deliveries', deliveries - 1) end
end
"""

#: task, running, unique, done, counts; id, lease, state, ttl, seconds, name, fields…
FINISH = (
    _NOW
    + _HAS
    + _ENDED
    + """
local id, state = ARGV[1], ARGV[3]
local task = redis.call('HMGET', KEYS[1], 'lease', 'state', 'cancel')
if task[1] and task[1] ~= ARGV[2] then return 0 end
if not task[1] and ended[task[2]] and not task[3] then return 0 end
redis.call('HSET', KEYS[1], 'state', state, 'ended', tostring(now), unpack(ARGV, 7))
if state == 'retrying' then redis.call('HDEL', KEYS[1], 'lease') else redis.call('HDEL', KEYS[1], 'lease', 'cancel') end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZREM', KEYS[2], id)
if state ~= 'retrying' and has(KEYS[3]) and redis.call('GET', KEYS[3]) == id then redis.call('DEL', KEYS[3]) end
if state == 'succeeded' and has(KEYS[4]) then redis.call('SET', KEYS[4], id, 'PX', ARGV[4]) end
redis.call('HINCRBY', KEYS[5], ARGV[6] .. ':' .. state, 1)
redis.call('HINCRBYFLOAT', KEYS[5], ARGV[6] .. ':seconds', ARGV[5])
return 1
"""
)

#: task; json of the progress
REPORT = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
redis.call('HSET', KEYS[1], 'progress', ARGV[1])
return redis.call('HEXISTS', KEYS[1], 'cancel') == 1 and 0 or 1
"""

#: task; ttl
CANCEL = (
    _ENDED
    + """
local state = redis.call('HGET', KEYS[1], 'state')
if ended[state] then return 0 end
redis.call('HSET', KEYS[1], 'cancel', '1')
if state ~= 'running' then redis.call('HSET', KEYS[1], 'state', 'cancelled') end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
)

#: later, messages; limit, hold seconds
TAKE_DUE = (
    _NOW
    + """
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', tostring(now), 'LIMIT', 0, ARGV[1])
local made = {}
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], tostring(now + ARGV[2]), id)
  made[#made + 1] = redis.call('HGET', KEYS[2], id)
end
return made
"""
)

#: later, messages; id, json, delay
PUT_LATER = (
    _NOW
    + """
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1], tostring(now + ARGV[3]), ARGV[1])
"""
)

#: later, messages; id, json: forgotten unless another message of the task was put there since
SETTLE = """
if redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2] then
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[1], ARGV[1])
end
"""

#: task, unique; id, ttl, unique ms, fields…
REVIVE = (
    _HAS
    + """
local state = redis.call('HGET', KEYS[1], 'state')
if state and state ~= 'failed' and state ~= 'queued' then return 'stale' end
if has(KEYS[2]) then
  local holder = redis.call('GET', KEYS[2])
  if holder and holder ~= ARGV[1] then return 'held' end
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', 'queued', unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'ready'
"""
)

#: dead, letters; id, when it died: kept where the task died again since
EXHUME = """
local died = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not died or tonumber(died) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
"""

#: schedule; tick, holder, hold seconds
CLAIM_TICK = (
    _NOW
    + """
local known = redis.call('HMGET', KEYS[1], 'last', 'tick', 'holder', 'until')
if known[1] and tonumber(known[1]) >= tonumber(ARGV[1]) then return 0 end
if known[2] == ARGV[1] and known[3] ~= ARGV[2] and tonumber(known[4]) > now then return 0 end
redis.call('HSET', KEYS[1], 'tick', ARGV[1], 'holder', ARGV[2], 'until', tostring(now + ARGV[3]))
return 1
"""
)

#: schedule; tick, holder
CONFIRM_TICK = """
local known = redis.call('HMGET', KEYS[1], 'last', 'holder')
if not known[1] or tonumber(known[1]) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'last', ARGV[1]) end
"""
