-- Deletes records. ARGV: prefix, only those older than that (empty: all), their keys. Answers how many there were.
local prefix, before, deleted = ARGV[1], tonumber(ARGV[2]), 0
for at = 3, #ARGV do
  local key = ARGV[at]
  local record = prefix .. 'r:' .. key
  local updated = redis.call('HGET', record, 'u')
  if not (updated and before) or tonumber(updated) < before then
    local stands = redis.call('HGET', prefix .. 'x', key)
    if stands then
      for field, value in pairs(cjson.decode(stands)) do
        redis.call('ZREM', prefix .. 'i:' .. field, value .. key)
      end
      redis.call('HDEL', prefix .. 'x', key)
    end
    redis.call('ZREM', prefix .. 'e', key)
    deleted = deleted + redis.call('DEL', record)
  end
end
return deleted
