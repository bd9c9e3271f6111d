// A movie that cannot be rendered. waitToFinish() never ends on one, so the
// status is asked for with getStatus().
// node failing.js <api_url> <API key>: prints as hello.js does.
const {Movie, Scene} = require("json2video-sdk");
const {setTimeout} = require("timers/promises");

async function main() {
    const [api_url, key] = process.argv.slice(2);
    let movie = new Movie;
    movie.api_url = api_url;
    movie.setAPIKey(key);
    let scene = new Scene;
    scene.addElement({type: "image"});
    movie.addScene(scene);

    let render = await movie.render();
    console.log(JSON.stringify(render));

    let status;
    do {
        await setTimeout(100);
        status = await movie.getStatus();
    } while (["pending", "running"].includes(status.movie.status));
    console.log(JSON.stringify(status));
}

main();
