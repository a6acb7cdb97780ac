-- The documented example event. With "vary" as argument every request has an Idempotency-Key of its own.
local body = '{"event_name":"add_to_cart","device_token_hash":"DEVICE_TOKEN_HASH","profile_id":"PROFILE_ID",'
  .. '"data":{"product_name":"Running Shoes","price":99.99}}'
local count = 0
local vary = false

wrk.method = "POST"
wrk.body = body
wrk.headers["Api-Key"] = "ck_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
wrk.headers["Content-Type"] = "application/json"

function init(args)
  vary = args[1] == "vary"
end

function request()
  if vary then
    count = count + 1
    wrk.headers["Idempotency-Key"] = "order-" .. count
  end
  return wrk.format()
end
