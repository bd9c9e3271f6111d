// What JSON2Video's page on webhooks asks of a receiver: read url and project, answer 200.
// It verifies nothing: anybody who knows its address can call it. verified.js is safer.
//   npm ci && PORT=8080 node simple.js
import express from 'express';

const app = express();
app.use(express.json(), express.urlencoded()); // the second for "content-type": "urlencoded"

app.post('/', (req, res) => {
    const { url, project } = req.body;
    console.log(url, project);
    res.status(200).send('ok');
});

const server = app.listen(process.env.PORT ?? 8080, '127.0.0.1', (err) => {
    if (err) throw err;
    console.log(`listening on http://127.0.0.1:${server.address().port}/`);
});
