// The dance of the start page begins by itself and over again, without its sound, for browsers let no page be heard unasked;
// a click or a key in it brings the sound. Opened from a disk a page may not reach into its frame: then the dance waits for its
// play button, as it does for who wants less motion.
const frame = document.querySelector("iframe.stage");
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

function begin() {
  let inside, player;
  try {
    inside = frame.contentWindow;
    player = inside.farandole;
  } catch {
    return;
  }
  if (!player?.ready) return setTimeout(begin, 200);
  let silent = true;
  const dance = () => {
    player.seek(0);
    player.audio?.dispatchEvent(new Event("ended")); // the player dances on without sound after the end of a song
    player.play();
  };
  const hear = () => {
    if (silent) player.seek(player.time);
    silent = false;
  };
  for (const kind of ["pointerdown", "keydown"]) inside.addEventListener(kind, hear, { once: true });
  inside.setInterval(() => {
    if (silent && !player.playing && player.time >= player.duration - 0.05) dance();
  }, 500);
  dance();
}

if (frame && !still) begin();
