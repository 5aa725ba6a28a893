"use strict";
const slides = [...document.querySelectorAll("section")];
let current = 0;
history.scrollRestoration = "manual";  // after a reload the address says where we are

const sizes = [1, 0.87, 0.78, 0.7];  // of the text, in rem

// A figure stands below the text or, unless it is too wide, in a column beside it.
function arrange(slide, {columns, size}) {
  slide.classList.toggle("columns", columns);
  slide.style.setProperty("--size", size);
}

// The height at which a figure is drawn.
function drawn(frame, ratio) {
  return Math.min(frame.clientHeight, frame.clientWidth / ratio);
}

// Each slide gets the arrangement that allows the largest letters, and among equals the one with the larger figure.
function fit() {
  const {clientWidth: width, clientHeight: height} = document.getElementById("measure");
  for (const slide of slides) {
    const box = slide.querySelector(".box"), frames = box.querySelectorAll(".figure"), picture = box.querySelector(".figure img");
    const ratio = picture ? picture.naturalWidth / picture.naturalHeight : 1;
    const lines = [...box.querySelectorAll("pre, .text, .html")];
    slide.classList.remove("high");
    slide.classList.toggle("wide", ratio > 2.9);
    slide.classList.toggle("several", frames.length > 1);
    slide.style.setProperty("--ratio", ratio);
    slide.style.setProperty("--right", `${Math.min(Math.max(0.45 * width, 0.56 * height * ratio), 0.64 * width)}px`);
    const above = box.getBoundingClientRect().top - slide.getBoundingClientRect().top;
    const room = height - above - parseFloat(getComputedStyle(slide).paddingBottom);
    let best = {columns: false, size: sizes.at(-1), worth: 0};
    for (const columns of frames.length === 1 ? [false, true] : [false]) {
      for (const size of sizes.filter(size => size >= best.size)) {
        arrange(slide, {columns, size});
        if (box.offsetHeight > room + 1 || lines.some(part => part.scrollWidth > part.clientWidth + 1)) continue;
        const high = picture ? drawn(frames[0], ratio) : 1;
        if (columns && high < 0.5 * height) break;
        if (10 * size * height + high > best.worth) best = {columns, size, worth: 10 * size * height + high};
        break;
      }
    }
    arrange(slide, best.worth ? best : {columns: false, size: 1});
    slide.classList.toggle("high", !best.worth);
  }
}

function mark() {
  document.getElementById("place").textContent = `${current + 1} / ${slides.length}`;
  document.getElementById("bar").style.width = `${100 * (current + 1) / slides.length}%`;
  if (location.hash !== `#${current + 1}`) history.replaceState(null, "", `#${current + 1}`);
  const speaking = slides.slice(0, current + 1).reverse().find(slide => slide.querySelector(".notes"));
  for (const slide of slides) slide.classList.toggle("speaking", slide === speaking);
}

function go(number) {
  current = Math.min(Math.max(number, 0), slides.length - 1);
  slides[current].scrollIntoView();
  mark();
}

// The height of a slide: less than the window's while notes are shown.
function screenful() {
  return document.getElementById("measure").clientHeight;
}

// On: the rest of a slide that is higher than the screen, then what waits on it, then the next slide.
function on() {
  const slide = slides[current], hidden = slide.querySelector(".waiting");
  const below = slide.getBoundingClientRect().bottom - screenful();
  if (below > 2) scrollBy(0, Math.min(below, 0.8 * screenful()));
  else if (hidden) hidden.classList.remove("waiting");
  else go(current + 1);
}

function back() {
  const above = -slides[current].getBoundingClientRect().top;
  if (above > 2) scrollBy(0, -Math.min(above, 0.8 * screenful()));
  else go(current - 1);
}

// Show the code behind the figures, or the notes, or hide them again.
function toggle(name) {
  const shown = document.documentElement.classList.toggle(`with-${name}`);
  document.getElementById(name).setAttribute("aria-pressed", shown);
  fit();
  go(current);
}

const keys = {
  ArrowRight: on, ArrowDown: on, PageDown: on, " ": on, Enter: on,
  ArrowLeft: back, ArrowUp: back, PageUp: back, Backspace: back,
  Home: () => go(0), End: () => go(slides.length - 1),
  c: () => toggle("code"), n: () => toggle("notes"),
  f: () => document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen(),
};

addEventListener("keydown", event => {
  const focused = event.target.closest("button, audio, summary, a");
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = key === " " && event.shiftKey ? back : keys[key];
  if (!action || event.ctrlKey || event.altKey || event.metaKey || (focused && [" ", "Enter"].includes(event.key))) return;
  event.preventDefault();
  action();
});
for (const [id, step] of [["on", on], ["back", back], ["code", keys.c], ["notes", keys.n]]) {
  document.getElementById(id).addEventListener("click", event => {
    step();
    if (event.detail) event.currentTarget.blur();  // after a click of the mouse the keys belong to the slides again
  });
}

// The wheel and the scroll bar move freely: the slide that fills most of the screen is the current one.
let quiet;
addEventListener("scroll", () => {
  clearTimeout(quiet);
  quiet = setTimeout(() => {
    const middle = screenful() / 2;
    current = Math.max(0, slides.findIndex(slide => slide.getBoundingClientRect().bottom > middle));
    for (const slide of slides.slice(0, current))
      for (const step of slide.querySelectorAll(".waiting")) step.classList.remove("waiting");
    mark();
  }, 150);
});

let resized;
addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(() => { fit(); go(current); }, 100); });
addEventListener("load", () => { fit(); go((parseInt(location.hash.slice(1)) || 1) - 1); });

// A printed page is as large as a screen of 1280x800.
for (const [name, printing] of [["beforeprint", true], ["afterprint", false]])
  addEventListener(name, () => { document.documentElement.classList.toggle("printing", printing); fit(); });
