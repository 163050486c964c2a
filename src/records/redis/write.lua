-- Writes records; what is there and later stays. ARGV: prefix, time to live in ms (0: for ever), names of the sets (JSON),
-- then of each record: key, updated, created, fields (JSON), what stands in each set (JSON).
--
-- prefix r:KEY   a record: u(pdated), c(reated), j(son)
-- prefix x       of each key what stands in which set, so that it can be taken out
-- prefix i:FIELD a set: value and key
-- prefix e       when each key has outlived its time
local prefix, ttl, sets = ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
for at = 4, #ARGV, 5 do
  local key, updated, created, fields = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local record = prefix .. 'r:' .. key
  local there = redis.call('HMGET', record, 'u', 'c')
  if not there[1] or tonumber(updated) >= tonumber(there[1]) then
    created = there[2] or created
    local old = redis.call('HGET', prefix .. 'x', key)
    local stands = old and cjson.decode(old) or {}
    local values, now = cjson.decode(ARGV[at + 4]), {}
    for i, field in ipairs(sets) do
      -- A later write of a key does not change when it was first written.
      now[field] = (field == 'created_at' and stands[field] and there[2]) and stands[field] or values[i]
    end
    for field, value in pairs(stands) do
      if now[field] ~= value then
        redis.call('ZREM', prefix .. 'i:' .. field, value .. key)
      end
    end
    for field, value in pairs(now) do
      redis.call('ZADD', prefix .. 'i:' .. field, 0, value .. key)
    end
    redis.call('HSET', prefix .. 'x', key, cjson.encode(now))
    redis.call('HSET', record, 'u', updated, 'c', created, 'j', fields)
    if ttl > 0 then
      local ends = string.format('%.0f', tonumber(updated) + ttl)
      redis.call('ZADD', prefix .. 'e', ends, key)
      redis.call('PEXPIREAT', record, ends)
    else
      redis.call('ZREM', prefix .. 'e', key)
      redis.call('PERSIST', record)
    end
  end
end
