-- GCRA: a budget is the time at which it is full again, in microseconds since the epoch.
-- KEYS[1] the budget; ARGV[1] microseconds from one to the next; ARGV[2] how many it holds.
-- Returns 0 where one was spent, else the microseconds until the next is due.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local step = tonumber(ARGV[1])
local window = step * tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or now)
if full < now then
  full = now
elseif full > now + window then
  -- The clock of the store was set back, or another took over: no caller waits for longer than
  -- an empty budget makes it wait. Stored, for the next call would be refused like this one.
  full = now + window
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil(window / 1000))
end
local wait = full + step - window - now
if wait > 0 then
  return wait
end
full = full + step
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
