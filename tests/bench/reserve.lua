-- A new reservation of one piece with every request; RUN keeps the references of several runs apart.
dofile(os.getenv("REPORT"))
local token, run, slug = os.getenv("SERVICE_TOKEN"), os.getenv("RUN"), os.getenv("SLUG")
local count = 0

request = function()
  count = count + 1
  local body = string.format(
    '{"items": [{"slug": "%s", "quantity": 1}], "reference": "%s-%d", "ttl_seconds": 600}', slug, run, count)
  return wrk.format("POST", "/api/v2/reservations",
    { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. token }, body)
end
