"""Names of companies that do not exist, in the languages of the corridor.

A Chinese name is place + trade name + line of business + legal form. Trade names are three different characters of
a list of our own, so they read well, mean nothing, and are never twice the same: the number of the company, shuffled,
*is* the trade name. Each character has a pinyin syllable that no other character of the list has, so the English
names are never twice the same either.
"""

from __future__ import annotations

import unicodedata
from types import MappingProxyType
from typing import Final

#: Characters for trade names with their pinyin; no two share a syllable.
_CHARACTERS: Final = """
澜lan 桥qiao 屿yu 岫xiu 川chuan 朗lang 衡heng 舟zhou 泊bo 汀ting 霁ji 沐mu 溪xi 峰feng 砚yan 棠tang 楠nan 柏bai 樟zhang
松song 竹zhu 梅mei 菱ling 荷he 芷zhi 茗ming 萱xuan 苇wei 鸿hong 鹭lu 鲲kun 鹏peng 骏jun 驰chi 腾teng 跃yue 翔xiang 昊hao
晖hui 晟sheng 旭xu 晓xiao 曜yao 曙shu 昶chang 辰chen 星xing 瀚han 漠mo 沧cang 渊yuan 淳chun 润run 泽ze 漓li 淮huai 渡du
港gang 津jin 岸an 崇chong 磐pan 石shi 璟jing 珂ke 瑞rui 璞pu 铮zheng 铠kai 鑫xin 韶shao 弦xian 歌ge 鼓gu 铎duo 钟zhong
琴qin 韵yun 诚cheng 仁ren 义yi 久jiu 宁ning 坪ping 顺shun 桐tong 达da 广guang 厚hou 阔kuo 融rong 聚ju 联lian 群qun
道dao 思si 哲zhe 敏min 捷jie 迅xun 飞fei 扬yang 帆fan 航hang 轮lun 途tu 野ye 田tian 麦mai 茂mao 林lin 桑sang 柳liu
桂gui 杉shan 栾luan 楚chu 滇dian 黔qian 陇long 青qing 琼qiong 桃tao 柚you 椒jiao 茶cha 漆qi 瓷ci 铁tie 笔bi 卷juan
简jian 策ce 卓zhuo 拓tuo 创chuang 嘉jia 福fu 寿shou 雅ya 文wen 梧wu 双shuang 万wan 夏xia 岱dai 泰tai 华hua 素su 紫zi 丹dan
"""
CHINESE: Final = tuple((token[0], token[1:].capitalize()) for token in _CHARACTERS.split())

_THAI: Final = """
สยาม:Siam ไทย:Thai รุ่งเรือง:Rungrueang เจริญ:Charoen ทอง:Thong เงิน:Ngoen แก้ว:Kaeo เพชร:Phet มณี:Mani ชัย:Chai ศรี:Si
สุข:Suk สิน:Sin ทรัพย์:Sap พัฒนา:Phatthana มงคล:Mongkhon บูรพา:Burapha ล้าน:Lan ช้าง:Chang ดาว:Dao จันทร์:Chan
อาทิตย์:Athit ฟ้า:Fa น้ำ:Nam ทะเล:Thale ภู:Phu ดอย:Doi นคร:Nakhon เมือง:Mueang บุญ:Bun วัฒนา:Watthana กิจ:Kit พร:Phon
รัตน์:Rat เกษม:Kasem อุดม:Udom ไพศาล:Phaisan ธนา:Thana โชค:Chok ลาภ:Lap มั่นคง:Mankhong ยั่งยืน:Yangyuen สามัคคี:Samakkhi
ประเสริฐ:Prasoet วิไล:Wilai สมบูรณ์:Sombun ก้าวหน้า:Kaona เอก:Ek ไกร:Krai เดช:Det ปัญญา:Panya ธารา:Thara
"""
_VIETNAMESE: Final = """
An Bình Cát Châu Đại Đông Gia Hà Hải Hòa Hoàng Hồng Hưng Khang Khánh Kim Lâm Lan Linh Long Mai Minh Nam Ngân Ngọc Nguyên
Nhật Phát Phong Phú Phúc Phương Quang Quốc Sơn Tâm Tân Tây Thái Thanh Thắng Thiên Thịnh Thuận Tiến Toàn Trí Trung Trường
Tuấn Uyên Việt Xuân Yên
"""
_MALAY: Final = """
Maju Jaya Bahagia Sinar Cahaya Bintang Mutiara Permata Indah Murni Setia Bakti Budi Daya Karya Utama Perdana Nusa Samudera
Lautan Selatan Utara Timur Barat Pelangi Seri Mekar Kencana Kasturi Melur Cempaka Teratai Angsana Meranti Jati Rimba Gunung
Bayu Fajar Purnama Satria Perkasa Gemilang Makmur Sentosa Sejahtera Damai Lestari Wawasan Harapan Warisan Pusaka Tunas Benih
"""
#: Syllables of three letters each, so that a word made of two can only be read one way.
_COINED: Final = """
Bel Cor Dan Ery Fal Gor Hal Ivo Jar Kel Lor Mar Nor Ost Pel Qui Ros Sel Tar Uld Val Wen Xan Yar Zel Bra Cal Dor Eld Fen
Gal Har Isk Jun Kan Lum Mel Nev Oak Pra Rav Sil Tam Umb Ver Wil Yel Zan Ard Bri Cro Dra
"""
_STEPPE: Final = """
Altyn Kumis Dala Tau Kol Bulak Arman Nur Zhol Keruen Shyn Sary Kara Ak Kok Kyzyl Jasyl Temir Bolat Tas Kum Aral Esil Ertis
Talas Shu Naryn Osh Turan Saryarka Alatau Orda Batys Shygys Ontustik Soltustik Bereke Yntymak Dostyk Berik Erkin Azat Baqyt
Gulder Qiran Burkit Tulpar Sunkar Samal Tolqyn Mereke Asyl
"""


def _plain(word: str) -> str:
    """Vietnamese without its marks, as it is written in English texts."""
    bare = unicodedata.normalize("NFD", word.replace("Đ", "D").replace("đ", "d"))
    return "".join(c for c in bare if not unicodedata.combining(c))


_WORDS: Final = MappingProxyType(
    {
        "th": tuple((word.split(":")[0], word.split(":")[1]) for word in _THAI.split()),
        "vi": tuple((word, _plain(word)) for word in _VIETNAMESE.split()),
        "ms": tuple((word, word) for word in _MALAY.split()),
        "en": tuple((word, word) for word in _COINED.split()),
        "kk": tuple((word, word) for word in _STEPPE.split()),
    }
)
_LANGUAGE: Final = MappingProxyType(
    {"TH": "th", "VN": "vi", **dict.fromkeys(("MY", "ID", "BN"), "ms")}
    | dict.fromkeys(("KZ", "KG", "TJ", "TM", "UZ"), "kk")
)

#: Lines of business abroad, by language: in the language itself, and in English.
BUSINESS_ABROAD: Final = MappingProxyType(
    {
        "trade": {"th": "การค้า", "vi": "Thương mại", "ms": "Dagang", "en": "Trading"},
        "logistics": {"th": "โลจิสติกส์", "vi": "Tiếp vận", "ms": "Logistik", "en": "Logistics"},
        "food": {"th": "อาหาร", "vi": "Thực phẩm", "ms": "Makanan", "en": "Foods"},
        "farm": {"th": "การเกษตร", "vi": "Nông sản", "ms": "Pertanian", "en": "Agriculture"},
        "industry": {"th": "อุตสาหกรรม", "vi": "Công nghiệp", "ms": "Industri", "en": "Industries"},
        "technology": {"th": "เทคโนโลยี", "vi": "Công nghệ", "ms": "Teknologi", "en": "Technology"},
    }
)


def arrangements(size: int) -> int:
    """How many ordered choices of three different words there are."""
    return size * (size - 1) * (size - 2)


def _arrangement(number: int, size: int) -> tuple[int, int, int]:
    """The `number`-th ordered choice of three different places out of `size`."""
    first, rest = divmod(number, (size - 1) * (size - 2))
    second, third = divmod(rest, size - 2)
    second += second >= first
    for taken in sorted((first, second)):
        third += third >= taken
    return first, second, third


#: How many trade names there are in Chinese.
CHINESE_NAMES: Final = arrangements(len(CHINESE))


def chinese(number: int) -> tuple[str, str]:
    """A trade name of three characters, and how it is written in English."""
    chosen = [CHINESE[i] for i in _arrangement(number, len(CHINESE))]
    return "".join(c for c, _ in chosen), "".join(p for _, p in chosen)


def language(country: str) -> str:
    """The language in which a partner country's companies are named; countries that share one share its names."""
    return _LANGUAGE.get(country, "en")


def names_abroad(country: str) -> int:
    """How many trade names there are in the language of a partner country."""
    return arrangements(len(_WORDS[language(country)]))


def abroad(country: str, number: int) -> tuple[str, str]:
    """A trade name of a partner country: in its language, and in Latin letters."""
    words = _WORDS[language(country)]
    (a, a_en), (b, b_en), (c, c_en) = (words[i] for i in _arrangement(number, len(words)))
    if language(country) == "en":
        return (name := f"{a}{b.lower()} {c}"), name
    return (f"{a}{b}{c}" if language(country) == "th" else f"{a} {b} {c}"), f"{a_en} {b_en} {c_en}"


def company_abroad(country: str, number: int, business: str, public: bool) -> tuple[str, str]:
    """The whole name of a company of a partner country: in its language, and in English."""
    local, latin = abroad(country, number)
    words = BUSINESS_ABROAD[business]
    line, line_en = words.get(language(country), words["en"]), words["en"]
    match country:
        case "TH":
            tail, tail_en = (" (มหาชน)", "Public Co., Ltd.") if public else ("", "Co., Ltd.")
            return f"บริษัท {local}{line} จำกัด{tail}", f"{latin} {line_en} {tail_en}"
        case "VN":
            head, tail_en = ("Công ty Cổ phần", "JSC") if public else ("Công ty TNHH", "Co., Ltd.")
            return f"{head} {line} {local}", f"{latin} {line_en} {tail_en}"
        case "ID":
            tail = " Tbk" if public else ""
            return f"PT {local} {line}{tail}", f"PT {latin} {line_en}{tail}"
        case _:
            private_form, public_form = _FORMS.get(country, ("Co., Ltd.", "Co., Ltd."))
            form = public_form if public else private_form
            return f"{local} {line} {form}", f"{latin} {line_en} {form}"


_FORMS: Final = MappingProxyType(
    {
        "SG": ("Pte. Ltd.", "Ltd."),
        "MY": ("Sdn. Bhd.", "Bhd."),
        "BN": ("Sdn. Bhd.", "Bhd."),
        "PH": ("Inc.", "Corp."),
        "HK": ("Limited", "Limited"),
        "MO": ("Limitada", "Limitada"),
        "TL": ("Lda.", "Lda."),
        "KZ": ("LLP", "JSC"),
        "KG": ("LLC", "JSC"),
        "TJ": ("LLC", "JSC"),
        "TM": ("ES", "JSC"),
        "UZ": ("LLC", "JSC"),
        "AE": ("L.L.C", "PJSC"),
        "SA": ("LLC", "JSC"),
    }
)
