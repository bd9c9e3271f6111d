<?php
// What JSON2Video's page on webhooks asks of a receiver: read url and project, answer 200.
// It verifies nothing: anybody who knows its address can call it. verified.php is safer.
//   php -S 127.0.0.1:8080 simple.php

// A JSON body is not parsed by PHP; one of "content-type": "urlencoded" is, into $_POST.
$movie = json_decode(file_get_contents('php://input'), true) ?? $_POST;

error_log(($movie['url'] ?? '') . ' ' . ($movie['project'] ?? ''));

http_response_code(200);
echo 'ok';
