<?php
// Receives webhooks: believes only what is signed, stores it before it answers, works afterwards.
//   WEBHOOK_SECRET=whsec_… STORE=webhooks php -S 127.0.0.1:8080 verified.php
declare(strict_types=1);

const LIMIT = 1 << 20; // bytes of a body; a movie's is about one kilobyte
const TOLERANCE = 300; // seconds, before or after now: what was overheard cannot be sent again later

function answer(int $status, string $text): never
{
    http_response_code($status);
    header('Content-Type: text/plain');
    exit($text);
}

/** The keys of WEBHOOK_SECRET: two with a space between while a secret is changed. */
function keys(): array
{
    return array_map(function (string $secret): string {
        $key = str_starts_with($secret, 'whsec_') ? base64_decode(substr($secret, 6), true) : false;
        // An empty key would let anybody sign.
        return $key ?: answer(500, 'WEBHOOK_SECRET must be whsec_ and base64');
    }, explode(' ', getenv('WEBHOOK_SECRET') ?: ''));
}

/** Answers 401 unless one of the signatures was made with one of the keys. */
function verify(string $id, string $timestamp, string $signatures, string $body): void
{
    if ($id === '' || $timestamp === '' || $signatures === '') {
        answer(401, 'webhook-id, webhook-timestamp and webhook-signature are needed');
    }
    if (!preg_match('/^\d{1,12}$/D', $timestamp) || abs(time() - (int) $timestamp) > TOLERANCE) {
        answer(401, 'webhook-timestamp is not within five minutes');
    }
    foreach (keys() as $key) {
        $want = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$timestamp.$body", $key, true));
        foreach (explode(' ', $signatures) as $given) {
            if (hash_equals($want, $given)) { // in constant time
                return;
            }
        }
    }
    answer(401, 'no signature matches');
}

/** Keeps the body on the disk and says whether the id is new. */
function store(string $id, string $body): bool
{
    $folder = getenv('STORE') ?: 'webhooks';
    is_dir($folder) || mkdir($folder, 0700, true);
    $new = "$folder/new-" . bin2hex(random_bytes(8));
    $file = fopen($new, 'x') and fwrite($file, $body) === strlen($body) and fsync($file)
        or answer(500, 'not stored'); // and PHP logs why; Reelhook tries again later
    // A link appears whole or not at all, and never over another: an id is stored once, even
    // when it comes twice at a time. The id is hashed since it need not be a file's name.
    $kept = "$folder/" . hash('sha256', $id);
    $first = @link($new, $kept);
    unlink($new);
    ($first || file_exists($kept)) && fsync(fopen($folder, 'r')) or answer(500, 'not stored');
    return $first;
}

ini_set('display_errors', '0'); // to the log only, not to the sender
$body = file_get_contents('php://input', length: LIMIT + 1); // as it came: parsed and written again it may differ
strlen($body) <= LIMIT or answer(413, 'the body is too large');
$id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
verify($id, $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body);
$first = store($id, $body);

header('Content-Type: text/plain');
echo 'ok';
function_exists('fastcgi_finish_request') && fastcgi_finish_request(); // the sender need not wait any longer

if ($first) { // here your work begins; better in a worker that goes through STORE
    // Content-Type is not signed, so the body itself tells what it is.
    str_starts_with($body, '{') ? $movie = json_decode($body, true) : parse_str($body, $movie);
    error_log(($movie['url'] ?? '') . ' ' . ($movie['project'] ?? ''));
}
