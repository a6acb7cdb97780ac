<?php
// Send one event to Clarion with PHP's curl extension.
//
//   CLARION_URL=http://127.0.0.1:8080 CLARION_API_KEY=clk_… php track.php user-1

const TRIES = 4;

function fail(string $message): never
{
    fwrite(STDERR, $message . PHP_EOL);
    exit(1);
}

/** One try. Returns the HTTP status (0: no answer), the body or the error, and what Retry-After says, if anything. */
function post(string $url, string $key, string $body): array
{
    $retryAfter = null;
    $curl = curl_init($url . '/api/v1/events');
    curl_setopt_array($curl, [
        CURLOPT_POSTFIELDS => $body,
        CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Api-Key: ' . $key],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 30,
        CURLOPT_HEADERFUNCTION => function ($curl, string $line) use (&$retryAfter): int {
            if (preg_match('/^retry-after:\s*(\d{1,6})\s*$/i', $line, $match)) {
                $retryAfter = (int) $match[1];
            }
            return strlen($line);
        },
    ]);
    $answer = curl_exec($curl);
    return [curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $answer === false ? curl_error($curl) : $answer, $retryAfter];
}

$url = getenv('CLARION_URL') ?: fail('Set CLARION_URL to where Clarion runs, for example http://127.0.0.1:8080');
$key = getenv('CLARION_API_KEY') ?: fail('Set CLARION_API_KEY to an API key with the scope events');

$body = json_encode([
    'event_name' => 'add_to_cart',
    'profile_id' => $argv[1] ?? 'user-1',
    // Chosen once, before the first try: however often the event is sent below, it stays one event.
    'event_id' => bin2hex(random_bytes(16)),
    'data' => [
        'product_name' => 'Running Shoes',
        'price' => 99.99,
    ],
], JSON_THROW_ON_ERROR);

for ($try = 1; ; $try++) {
    [$status, $answer, $retryAfter] = post($url, $key, $body);
    if ($status === 200) {
        echo $answer, PHP_EOL;
        exit(0);
    }
    // No answer, "too many requests" and "not now" pass; anything else would fail in the same way again.
    if ($try === TRIES || !in_array($status, [0, 429, 503], true)) {
        fail($status === 0 ? "Clarion cannot be reached: $answer" : "Clarion answered $status: $answer");
    }
    sleep(min($retryAfter ?? 2 ** ($try - 1), 60));
}
