-- One charge: all of it, or none. The times are the server's own, in microseconds since 1970: no
-- clock of a proxy plays a part. The arithmetic is that of src/limits/bucket.rs and seen.rs.
--
-- KEYS: one for each window of each budget. ARGV, for each key in turn:
--   's', most, window, amount             a sum: the time at which its bucket is full again
--   'd', most, window, n, subject * n     different subjects, each with when it was last seen
-- Gives { 1, taken * #KEYS } or { 0, which key refused for longest, how long to wait }; taken is
-- the time until a bucket is full again, or the number of subjects seen.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end

local refused, longest, at = 0, 0, 1
local taken, steps = {}, {}
for i, key in ipairs(KEYS) do
  local most, window, n = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local wait = 0
  if ARGV[at] == 's' then
    -- A server whose clock was ahead once must not lock anybody out for longer than a window.
    local full_at = math.min(tonumber(redis.call('GET', key) or '0'), now + window)
    local next = math.max(full_at, now) + math.ceil(n * window / most)
    wait = n > most and window or next - now - window
    taken[i], steps[i] = next - now, { next }
    at = at + 4
  else
    redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - window))
    local new, add = 0, {}
    for j = at + 4, at + 3 + n do
      if not redis.call('ZSCORE', key, ARGV[j]) then new = new + 1 end
      add[#add + 1] = text(now)
      add[#add + 1] = ARGV[j]
    end
    local count = redis.call('ZCARD', key) + new
    if new > 0 and count > most then
      local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
      wait = (new > most or not first[2]) and window or tonumber(first[2]) + window - now
      wait = math.max(wait, 1)
    end
    taken[i], steps[i] = count, { add, window }
    at = at + 4 + n
  end
  if wait > longest then refused, longest = i, wait end
end
if refused > 0 then return { 0, refused, longest } end

for i, key in ipairs(KEYS) do
  local step = steps[i]
  if #step == 1 then
    redis.call('SET', key, text(step[1]), 'PX', text(math.ceil((step[1] - now) / 1000) + 1))
  else
    -- A few at a time: there is a limit to what one call takes.
    for first = 1, #step[1], 1000 do
      redis.call('ZADD', key, unpack(step[1], first, math.min(first + 999, #step[1])))
    end
    if #step[1] > 0 then redis.call('PEXPIRE', key, text(math.ceil(step[2] / 1000))) end
  end
end
table.insert(taken, 1, 1)
return taken
