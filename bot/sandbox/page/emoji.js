// The shortcodes that turn up in workplace messages. An unknown one stays as typed, as in Slack.
const TABLE = `
smile 😄|smiley 😃|grinning 😀|grin 😁|laughing 😆|satisfied 😆|joy 😂|rofl 🤣|slightly_smiling_face 🙂|simple_smile 🙂
upside_down_face 🙃|wink 😉|blush 😊|innocent 😇|heart_eyes 😍|star-struck 🤩|kissing_heart 😘|yum 😋|stuck_out_tongue 😛
thinking_face 🤔|zipper_mouth_face 🤐|neutral_face 😐|expressionless 😑|no_mouth 😶|smirk 😏|unamused 😒|face_with_rolling_eyes 🙄
grimacing 😬|relieved 😌|pensive 😔|sleepy 😪|sleeping 😴|mask 😷|sunglasses 😎|nerd_face 🤓|confused 😕|worried 😟
slightly_frowning_face 🙁|open_mouth 😮|astonished 😲|flushed 😳|cry 😢|sob 😭|scream 😱|disappointed 😞|sweat 😓|sweat_smile 😅
weary 😩|tired_face 😫|rage 😡|angry 😠|exploding_head 🤯|partying_face 🥳|hugging_face 🤗|saluting_face 🫡|melting_face 🫠
wave 👋|raised_hand ✋|hand ✋|ok_hand 👌|v ✌️|crossed_fingers 🤞|point_left 👈|point_right 👉|point_up ☝️|point_up_2 👆|point_down 👇
+1 👍|thumbsup 👍|-1 👎|thumbsdown 👎|fist ✊|facepunch 👊|clap 👏|raised_hands 🙌|open_hands 👐|handshake 🤝|pray 🙏|writing_hand ✍️|muscle 💪
eyes 👀|eye 👁️|brain 🧠|ear 👂|speech_balloon 💬|thought_balloon 💭|left_speech_bubble 🗨️|zzz 💤
heart ❤️|orange_heart 🧡|yellow_heart 💛|green_heart 💚|blue_heart 💙|purple_heart 💜|broken_heart 💔|two_hearts 💕|sparkling_heart 💖
sparkles ✨|star ⭐|star2 🌟|dizzy 💫|boom 💥|fire 🔥|zap ⚡|rainbow 🌈|sunny ☀️|partly_sunny ⛅|cloud ☁️|umbrella ☔|snowflake ❄️|droplet 💧|ocean 🌊
tada 🎉|confetti_ball 🎊|balloon 🎈|gift 🎁|trophy 🏆|medal 🏅|sports_medal 🏅|first_place_medal 🥇|second_place_medal 🥈|third_place_medal 🥉|dart 🎯
rocket 🚀|bulb 💡|mag 🔍|mag_right 🔎|key 🔑|lock 🔒|unlock 🔓|closed_lock_with_key 🔐|bell 🔔|no_bell 🔕|loudspeaker 📢|mega 📣
book 📖|books 📚|open_book 📖|notebook 📓|ledger 📒|bookmark 🔖|bookmark_tabs 📑|page_facing_up 📄|page_with_curl 📃|newspaper 📰|clipboard 📋|memo 📝|pencil 📝|pencil2 ✏️
calendar 📆|date 📅|spiral_calendar_pad 🗓️|hourglass ⌛|hourglass_flowing_sand ⏳|alarm_clock ⏰|stopwatch ⏱️|clock1 🕐|clock9 🕘|watch ⌚
chart_with_upwards_trend 📈|chart_with_downwards_trend 📉|bar_chart 📊|pushpin 📌|round_pushpin 📍|paperclip 📎|link 🔗|triangular_ruler 📐|straight_ruler 📏|scissors ✂️
file_folder 📁|open_file_folder 📂|card_index_dividers 🗂️|inbox_tray 📥|outbox_tray 📤|email 📧|envelope ✉️|package 📦|wastebasket 🗑️
gear ⚙️|wrench 🔧|hammer 🔨|hammer_and_wrench 🛠️|toolbox 🧰|nut_and_bolt 🔩|magnet 🧲|test_tube 🧪|microscope 🔬|telescope 🔭|stethoscope 🩺|pill 💊|hospital 🏥|school 🏫
computer 💻|phone ☎️|telephone_receiver 📞|iphone 📱|printer 🖨️|desktop_computer 🖥️|camera 📷|movie_camera 🎥|art 🎨|puzzle_piece 🧩|jigsaw 🧩
seedling 🌱|herb 🌿|deciduous_tree 🌳|evergreen_tree 🌲|leaves 🍃|four_leaf_clover 🍀|sunflower 🌻|cherry_blossom 🌸|mountain ⛰️|world_map 🗺️|compass 🧭|earth_americas 🌎
coffee ☕|tea 🍵|cake 🍰|birthday 🎂|cookie 🍪|apple 🍎|pizza 🍕|beers 🍻
white_check_mark ✅|heavy_check_mark ✔️|ballot_box_with_check ☑️|x ❌|negative_squared_cross_mark ❎|heavy_plus_sign ➕|heavy_minus_sign ➖|question ❓|grey_question ❔|exclamation ❗|heavy_exclamation_mark ❗|bangbang ‼️
warning ⚠️|no_entry ⛔|no_entry_sign 🚫|octagonal_sign 🛑|information_source ℹ️|sos 🆘|new 🆕|ok 🆗|100 💯|construction 🚧|traffic_light 🚦
arrow_up ⬆️|arrow_down ⬇️|arrow_left ⬅️|arrow_right ➡️|arrow_upper_right ↗️|arrow_lower_right ↘️|arrows_counterclockwise 🔄|repeat 🔁|leftwards_arrow_with_hook ↩️|fast_forward ⏩|arrow_forward ▶️|double_vertical_bar ⏸️|black_square_for_stop ⏹️
red_circle 🔴|large_orange_circle 🟠|large_yellow_circle 🟡|large_green_circle 🟢|large_blue_circle 🔵|large_purple_circle 🟣|white_circle ⚪|black_circle ⚫
large_green_square 🟩|large_yellow_square 🟨|large_red_square 🟥|white_large_square ⬜|black_large_square ⬛|small_blue_diamond 🔹|small_orange_diamond 🔸|black_small_square ▪️
one 1️⃣|two 2️⃣|three 3️⃣|four 4️⃣|five 5️⃣|six 6️⃣|seven 7️⃣|eight 8️⃣|nine 9️⃣|keycap_ten 🔟|zero 0️⃣
robot_face 🤖|ghost 👻|see_no_evil 🙈|bug 🐛|bee 🐝|honeybee 🐝|turtle 🐢|snail 🐌|owl 🦉|unicorn_face 🦄|butterfly 🦋
busts_in_silhouette 👥|bust_in_silhouette 👤|people_holding_hands 🧑‍🤝‍🧑|shrug 🤷|facepalm 🤦|nurse 🧑‍⚕️|teacher 🧑‍🏫|runner 🏃|walking 🚶|adult 🧑|house 🏠|office 🏢|bridge_at_night 🌉|ladder 🪜|anchor ⚓|lifebuoy 🛟|ring_buoy 🛟
`;

const EMOJI = new Map(
  TABLE.trim()
    .split(/[\n|]/)
    .map((pair) => {
      const cut = pair.lastIndexOf(" ");
      return [pair.slice(0, cut), pair.slice(cut + 1)];
    }),
);
const SKIN = ["", "", "\u{1F3FB}", "\u{1F3FC}", "\u{1F3FD}", "\u{1F3FE}", "\u{1F3FF}"];

/** The character for a shortcode without colons, or null. */
export function emoji(name, tone = 0) {
  const known = EMOJI.get(name);
  return known ? known + (SKIN[tone] ?? "") : null;
}

export const emojiNames = () => [...EMOJI.keys()];
