-- Finds records. ARGV: prefix, what they are sorted by, 1 when the last comes first, how many are left out, how many are
-- wanted, how many may be looked at, the name of the set of keys, then each filter (JSON): a set and from where to where, of
-- any of these stretches; or a field of records that are looked at themselves. Answers how many there are, then of each that
-- is wanted key, updated, created, fields; or 'many'.
local prefix, sort_by, descending = ARGV[1], ARGV[2], ARGV[3] == '1'
local offset, limit, most = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local sorted = prefix .. 'i:' .. sort_by

-- What has outlived its time stands in no set any more.
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
for _, key in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'e', '-inf', now, 'LIMIT', 0, 5000)) do
  local stands = redis.call('HGET', prefix .. 'x', key)
  if stands then
    for field, value in pairs(cjson.decode(stands)) do
      redis.call('ZREM', prefix .. 'i:' .. field, value .. key)
    end
  end
  redis.call('HDEL', prefix .. 'x', key)
  redis.call('ZREM', prefix .. 'e', key)
  redis.call('DEL', prefix .. 'r:' .. key)
end

-- A member is a value, up to the first zero byte after its first byte, and a key.
local function parted(member)
  local at = string.find(member, '\0', 2, true)
  return string.sub(member, 1, at), string.sub(member, at + 1)
end

local keys, total = {}, 0
local filters = {}
for at = 8, #ARGV do
  filters[#filters + 1] = cjson.decode(ARGV[at])
end
local from, to = '-', '+'

-- The wanted part of a stretch of the set that they are sorted by.
local function page()
  total = redis.call('ZLEXCOUNT', sorted, from, to)
  if limit == 0 or offset >= total then
    return
  end
  if not descending then
    for _, member in ipairs(redis.call('ZRANGEBYLEX', sorted, from, to, 'LIMIT', offset, limit)) do
      local _, key = parted(member)
      keys[#keys + 1] = key
    end
    return
  end
  -- Values downwards, keys of one value upwards.
  local at = offset
  while #keys < limit and at < total do
    local member = redis.call('ZREVRANGEBYLEX', sorted, to, from, 'LIMIT', at, 1)[1]
    local value = parted(member)
    local first, behind_it = '[' .. value, string.sub(value, 1, -2) .. '\1'
    local last = '(' .. behind_it
    local same = redis.call('ZLEXCOUNT', sorted, first, last)
    local behind = redis.call('ZLEXCOUNT', sorted, '[' .. behind_it, to)
    for _, one in ipairs(redis.call('ZRANGEBYLEX', sorted, first, last, 'LIMIT', at - behind, limit - #keys)) do
      local _, key = parted(one)
      keys[#keys + 1] = key
    end
    at = behind + same
  end
end

-- By their bytes: what Lua compares by itself is an order of letters of some language.
local function is_before(a, b)
  for at = 1, math.min(#a, #b) do
    local x, y = string.byte(a, at), string.byte(b, at)
    if x ~= y then
      return x < y
    end
  end
  return #a < #b
end

local function holds(value, low, high)
  low = string.sub(low, 2)
  if string.sub(low, -1) == '\0' then
    return value == low
  elseif low == '\1' and high == '+' then
    return string.sub(value, 1, 1) == '\1'
  end
  return not is_before(value, low) and (high == '+' or is_before(value, string.sub(high, 2)))
end

local function matches(filter, stands, key)
  if filter.has then
    local fields = redis.call('HGET', prefix .. 'r:' .. key, 'j')
    return fields and cjson.decode(fields)[filter.has] ~= nil
  end
  local value = stands[filter.set]
  for _, stretch in ipairs(filter.stretches) do
    if value and holds(value, stretch[1], stretch[2]) then
      return true
    end
  end
  return false
end

local only = filters[1]
if #filters == 0 then
  page()
elseif #filters == 1 and only.set == sort_by and #only.stretches == 1 then
  from, to = only.stretches[1][1], only.stretches[1][2]
  page()
else
  -- The shortest stretches, each of them held against the other filters.
  local set, stretches = ARGV[7], { { '-', '+' } }
  local count = redis.call('ZCARD', prefix .. 'i:' .. set)
  for _, filter in ipairs(filters) do
    local there = 0
    for _, stretch in ipairs(filter.stretches or {}) do
      there = there + redis.call('ZLEXCOUNT', prefix .. 'i:' .. filter.set, stretch[1], stretch[2])
    end
    if filter.set and there < count then
      set, stretches, count = filter.set, filter.stretches, there
    end
  end
  if count > most then
    return { 'many' }
  end
  local found = prefix .. 'found'
  for _, stretch in ipairs(stretches) do
    for _, member in ipairs(redis.call('ZRANGEBYLEX', prefix .. 'i:' .. set, stretch[1], stretch[2])) do
      local _, key = parted(member)
      local stands = cjson.decode(redis.call('HGET', prefix .. 'x', key) or '{}')
      local all = stands[sort_by] ~= nil
      for _, filter in ipairs(filters) do
        all = all and matches(filter, stands, key)
      end
      if all then
        redis.call('ZADD', found, 0, stands[sort_by] .. key)
      end
    end
  end
  sorted = found
  page()
  redis.call('DEL', found)
end

local answer = { string.format('%.0f', total) }
for _, key in ipairs(keys) do
  local record = redis.call('HMGET', prefix .. 'r:' .. key, 'u', 'c', 'j')
  if record[1] then
    answer[#answer + 1] = key
    answer[#answer + 1] = record[1]
    answer[#answer + 1] = record[2]
    answer[#answer + 1] = record[3]
  end
end
return answer
